import { expect, test } from "vitest";
import { counterFamily, gaugeFamily, Metrics } from "./metrics.ts";
import { readSamples } from "./samples.ts";
import { readFamilies } from "./test/samples.ts";

const QUEUED = gaugeFamily({ name: "test_queued", help: "Items that wait" });
const DONE = counterFamily({ name: "test_done_total", help: "Items that are done" });

test("Metrics returns a family from its first use, before it has a sample", async () => {
  const metrics = new Metrics("notifier");
  metrics.counter(DONE);
  expect(Object.fromEntries(readFamilies(await metrics.text()))).toEqual({
    build_info: "gauge",
    process_resident_memory_bytes: "gauge",
    test_done_total: "counter",
  });
});

test("Metrics returns the same metric for the same family", async () => {
  const metrics = new Metrics("cart");
  metrics.counter(DONE).inc();
  metrics.counter(DONE).inc();
  expect(readSamples(await metrics.text()).get("test_done_total")).toBe(2);
});

test("services in one process share no metrics", async () => {
  const [one, other] = [new Metrics("cart"), new Metrics("cart")];
  one.gauge(QUEUED).set(3);
  other.gauge(QUEUED);
  expect(readSamples(await one.text()).get("test_queued")).toBe(3);
  expect(readSamples(await other.text()).get("test_queued")).toBe(0);
});

test("an update that fails before a scrape does not hide the rest", async () => {
  const metrics = new Metrics("cart");
  metrics.beforeScrape(() => {
    throw new Error("unavailable");
  });
  metrics.beforeScrape(() => Promise.reject(new Error("unavailable")));
  metrics.beforeScrape(() => metrics.gauge(QUEUED).set(7));
  expect(readSamples(await metrics.text()).get("test_queued")).toBe(7);
});
