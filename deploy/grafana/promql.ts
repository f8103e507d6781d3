import type { Query } from "./dashboard.ts";

const legendOf = (labels: string) => labels.split(", ").map((label) => `{{${label}}}`).join(" ");

/** How often per second a counter counts, by its labels. */
export function perSecond(counter: string, by: string): Query {
  return {
    expr: `sum by (${by}) (rate(${counter}[$__rate_interval]))`,
    legend: legendOf(by),
  };
}

/**
 * How long half of them take at most, and all but one in a hundred. `histogram` is its name without
 * `_bucket`, and the labels that it must have.
 */
export function durations(histogram: string, selector: string, by?: string): Query[] {
  const sum = by ? `sum by (le, ${by})` : "sum by (le)";
  const quantile = (share: number) =>
    `histogram_quantile(${share}, ${sum} (rate(${histogram}_bucket${selector}[$__rate_interval])))`;
  const legend = by ? `${legendOf(by)} ` : "";
  return [
    { expr: quantile(0.5), legend: `${legend}half` },
    { expr: quantile(0.99), legend: `${legend}99 %` },
  ];
}

/** Which part of `all` per second is `some`; 0 when there is none of it. */
export function share(some: string, all: string, legend: string): Query {
  const rate = (counter: string) => `sum(rate(${counter}[$__rate_interval]))`;
  return { expr: `(${rate(some)} or vector(0)) / ${rate(all)}`, legend };
}

/** How much it is now, by its labels. */
export function gauge(metric: string, by: string): Query {
  return { expr: `sum by (${by}) (${metric})`, legend: legendOf(by) };
}
