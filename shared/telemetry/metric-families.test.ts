import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import "../../cart/service.ts";
import "../../loms/service.ts";
import "../../notifier/service.ts";
import { DEFINED_FAMILIES, Metrics } from "./metrics.ts";
import { RUNTIME } from "./version.ts";
import { readFamilies } from "./test/samples.ts";

const DOCUMENT = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");

/** Cells of the document's rows that begin with a name in code and have so many columns. */
function rows(columns: number): string[][] {
  return DOCUMENT.split("\n")
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    .filter((cells) => cells.length === columns && /^`\w+`$/.test(cells[0] ?? ""));
}

/** e2e checks the families of each running service. */
test("docs/metrics.md lists every family of the services", () => {
  const described = rows(5).map(([name, type, labels, , help]) => [name, type, labels, help]);
  const families = DEFINED_FAMILIES.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.join(", "),
    help,
  ]);
  expect(described.sort()).toEqual(families.sort());
});

test("docs/metrics.md lists every family of the process", async () => {
  const metrics = new Metrics("products");
  metrics.watchProcess({ lost: 0 });
  const ours = new Set(DEFINED_FAMILIES.map(({ name }) => name));
  const reported = [...readFamilies(await metrics.text())].filter(([name]) => !ours.has(name));
  const here = rows(4).filter(([, , runtimes]) => runtimes?.includes(RUNTIME.name));
  expect(here.map(([name, type]) => [name, type]))
    .toEqual(reported.map(([name, type]) => [`\`${name}\``, type]));
});

test("a histogram has buckets, and the name of a counter ends in _total", () => {
  for (const { name, type, buckets } of DEFINED_FAMILIES) {
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(buckets !== undefined, name).toBe(type === "histogram");
  }
});
