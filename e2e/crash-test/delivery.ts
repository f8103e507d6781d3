import type { Random } from "./random.ts";

/** The plan of a clerk, before any request. */
export interface Delivery {
  readonly reference: string;
  readonly kind: "receive" | "count";
  /** The received units, or below 0 the removed ones; for `count` the total. */
  readonly lines: readonly { readonly sku: number; readonly count: number }[];
  /** It is sent twice concurrently, as by a double click. */
  readonly twiceAtOnce: boolean;
  /** It is sent again after it was answered, as by a clerk who did not see the answer. */
  readonly again: boolean;
}

/** SKUs that buyers buy, and one that has no stock row at first. */
const SKUS = [
  ...[1_076_963, 1_148_162, 1_625_903, 2_618_151, 2_956_315, 2_958_025, 3_596_599, 3_618_852],
  ...[1_002, 1_003, 1_004, 1_005, 3_999_999_999],
];
const LINES_MAX = 4;
const ARRIVES_MAX = 20;
const LEAVES_MAX = 5;
/** About the stock of most SKUs; less than the reserved units is refused. */
const COUNTED = { from: 50, to: 300 } as const;
const SHARE = { count: 0.25, leaves: 0.2, twiceAtOnce: 0.2, again: 0.3 };

export function delivery(random: Random, reference: string): Delivery {
  const isCount = random.chance(SHARE.count);
  const skus = random.shuffled(SKUS).slice(0, random.integer(1, LINES_MAX));
  const arriving = () =>
    random.chance(SHARE.leaves) ? -random.integer(1, LEAVES_MAX) : random.integer(1, ARRIVES_MAX);
  return {
    reference,
    kind: isCount ? "count" : "receive",
    lines: skus.map((sku) => (
      { sku, count: isCount ? random.integer(COUNTED.from, COUNTED.to) : arriving() }
    )),
    twiceAtOnce: random.chance(SHARE.twiceAtOnce),
    again: random.chance(SHARE.again),
  };
}
