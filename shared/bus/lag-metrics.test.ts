import { expect, test, vi } from "vitest";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples, series } from "../telemetry/test-samples.ts";
import { watchLag } from "./lag-metrics.ts";

const TOPIC = { name: "events", groups: ["readers"], deadLetterQueue: "dead" };
const WATCHED = { topic: TOPIC, group: "readers", system: "kafka" } as const;
const SERIES = series("bus_lag_messages", {
  messaging_system: "kafka",
  messaging_destination_name: "events",
  messaging_consumer_group_name: "readers",
});

test("the lag is asked for at the scrape, once for scrapes at one time", async () => {
  const metrics = new Metrics("notifier");
  const lag = vi.fn(() => Promise.resolve(7));
  watchLag({ lag }, WATCHED, metrics);
  const [text] = await Promise.all([metrics.text(), metrics.text()]);
  expect(readSamples(text).get(SERIES)).toBe(7);
  expect(lag).toHaveBeenCalledTimes(1);
});

test("no lag is told while the bus cannot tell, and again when it can", async () => {
  const metrics = new Metrics("notifier");
  const lag = vi.fn(() => Promise.resolve(7));
  watchLag({ lag }, WATCHED, metrics);
  await metrics.text();
  lag.mockRejectedValueOnce(new AppError("unavailable", "no bus"));
  expect(readSamples(await metrics.text()).has(SERIES)).toBe(false);
  expect(readSamples(await metrics.text()).get(SERIES)).toBe(7);
});
