import { median, spreadOf } from "../statistics.ts";
import { table } from "../table.ts";

type Figure<Run> = readonly [name: string, of: (run: Run) => number | undefined];

const HEAD = ["", "before", "after", "ratio of pairs"] as const;

/**
 * A Markdown table: medians, and min–median–max of the ratio after/before over the pairs of runs.
 */
export function compare<Run>(
  figures: readonly Figure<Run>[],
  before: readonly Run[],
  after: readonly Run[],
): string {
  const rows = figures.map(([name, of]) => {
    const [left, right] = [before.map(of), after.map(of)];
    const ratios = right.map((value, index) => {
      const base = left[index];
      return value === undefined || base === undefined ? undefined : value / base;
    });
    return [name, rounded(middle(left)), rounded(middle(right)), spread(ratios)];
  });
  return table([HEAD, ...rows]);
}

/**
 * As {@link compare}, with a row for each name in a run, in ascending order of the value before.
 */
export function compareEach<Run>(
  valuesOf: (run: Run) => ReadonlyMap<string, number>,
  before: readonly Run[],
  after: readonly Run[],
): string {
  const names = new Set([...before, ...after].flatMap((run) => [...valuesOf(run).keys()]));
  const figures = [...names].map((name): Figure<Run> => [name, (run) => valuesOf(run).get(name)]);
  const sizeOf = ([, of]: Figure<Run>) => middle(before.map(of)) ?? middle(after.map(of)) ?? 0;
  return compare(figures.sort((a, b) => sizeOf(a) - sizeOf(b)), before, after);
}

function spread(ratios: readonly (number | undefined)[]): string {
  const known = ratios.filter((ratio) => ratio !== undefined);
  if (known.length === 0) return "";
  const { min, median: half, max } = spreadOf(known);
  return `${min.toFixed(2)}–**${half.toFixed(2)}**–${max.toFixed(2)}`;
}

/** The median of the known values. */
function middle(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function rounded(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(0);
}
