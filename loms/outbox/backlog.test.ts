import { expect, test, vi } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/samples.ts";
import { ORDER_BACKLOG, type OutboxBacklog, watchBacklog } from "./backlog.ts";

const BACKLOG: OutboxBacklog = { events: 3, oldestAgeSeconds: 1.5, refused: 2 };

test("the backlog is read at the scrape, once for concurrent scrapes", async () => {
  const metrics = new Metrics("loms");
  const read = vi.fn(() => Promise.resolve(BACKLOG));
  watchBacklog(ORDER_BACKLOG, read, metrics);
  const [text] = await Promise.all([metrics.text(), metrics.text()]);
  expect(read).toHaveBeenCalledTimes(1);
  const samples = readSamples(text);
  expect(samples.get("outbox_backlog_events")).toBe(3);
  expect(samples.get("outbox_oldest_age_seconds")).toBe(1.5);
  expect(samples.get("outbox_refused_events")).toBe(2);
});

test("the backlog metrics are absent while the database does not answer", async () => {
  const metrics = new Metrics("loms");
  const read = vi.fn(() => Promise.resolve(BACKLOG));
  watchBacklog(ORDER_BACKLOG, read, metrics);
  await metrics.text();
  read.mockRejectedValueOnce(new AppError("unavailable", "no primary"));
  const without = readSamples(await metrics.text());
  expect(without.has("outbox_backlog_events")).toBe(false);
  expect(without.has("outbox_oldest_age_seconds")).toBe(false);
  expect(readSamples(await metrics.text()).get("outbox_backlog_events")).toBe(3);
});
