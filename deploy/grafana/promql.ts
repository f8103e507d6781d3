import type { Query } from "./dashboard.ts";

const legendOf = (labels: string) => labels.split(", ").map((label) => `{{${label}}}`).join(" ");

/** The rate of a counter per second, by its labels. */
export function perSecond(counter: string, by: string): Query {
  return {
    expr: `sum by (${by}) (rate(${counter}[$__rate_interval]))`,
    legend: legendOf(by),
  };
}

/**
 * The median and the 99th percentile. `histogram` is its name without `_bucket`, with the labels
 * that it must have.
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

/** The rate of `some` as a share of the rate of `all`; 0 if there is none. */
export function share(some: string, all: string, legend: string): Query {
  const rate = (counter: string) => `sum(rate(${counter}[$__rate_interval]))`;
  return { expr: `(${rate(some)} or vector(0)) / ${rate(all)}`, legend };
}

/** The current value, by its labels. */
export function gauge(metric: string, by: string): Query {
  return { expr: `sum by (${by}) (${metric})`, legend: legendOf(by) };
}
