import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { METRIC_FAMILIES, type MetricFamily } from "./metric-families.ts";
import { Metrics } from "./metrics.ts";
import { RUNTIME } from "./runtime.ts";
import { readFamilies } from "./test-samples.ts";

const PAPER = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");

/** Cells of the paper's rows that begin with a name in code and have so many columns. */
function rows(columns: number): string[][] {
  return PAPER.split("\n")
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    .filter((cells) => cells.length === columns && /^`\w+`$/.test(cells[0] ?? ""));
}

test("docs/metrics.md shows every family of the services as it is", () => {
  const families = Object.entries<MetricFamily>(METRIC_FAMILIES);
  expect(rows(5)).toEqual(families.map(([name, { type, labels, services, help }]) => [
    `\`${name}\``,
    type,
    labels.join(", "),
    services.length === 4 ? "all" : services.join(", "),
    help,
  ]));
});

test("docs/metrics.md shows every family of the process as it is", async () => {
  const metrics = new Metrics("products");
  metrics.watchProcess();
  const told = [...readFamilies(await metrics.text())].filter(([name]) =>
    !(name in METRIC_FAMILIES)
  );
  const here = rows(4).filter(([, , runtimes]) => runtimes?.includes(RUNTIME.name));
  expect(here.map(([name, type]) => [name, type]))
    .toEqual(told.map(([name, type]) => [`\`${name}\``, type]));
});

test("a histogram has buckets, a counter says what it counts", () => {
  for (const [name, { type, buckets }] of Object.entries<MetricFamily>(METRIC_FAMILIES)) {
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(buckets !== undefined, name).toBe(type === "histogram");
  }
});
