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
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return `${low.toFixed(2)}–**${middle(known)?.toFixed(2)}**–${high.toFixed(2)}`;
}

/** The median of the known values. */
function middle(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[known.length >> 1];
}

function rounded(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(0);
}
