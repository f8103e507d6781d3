import type { Line } from "./ledger.ts";
import type { Random } from "./random.ts";

/** The plan of a buyer, before any request. */
export interface Wish {
  readonly userId: bigint;
  readonly way: "cart" | "gateway" | "grpc";
  readonly items: readonly Line[];
  readonly fate: "pay" | "cancel" | "leave";
  /** The write that creates the order is sent twice concurrently, as by a double click. */
  readonly twiceAtOnce: boolean;
  /** It is sent again after it was answered, as by a buyer who did not see the answer. */
  readonly again: boolean;
  /** A cart's buyer agrees to the total that the cart shows. */
  readonly agrees: boolean;
  /** To a total that the cart showed earlier and that has changed. */
  readonly isOutdated: boolean;
}

/** SKUs that sell out in a long run, so that orders fail. */
export const SKUS = [
  ...[1_076_963, 1_148_162, 1_625_903, 2_618_151, 2_956_315, 2_958_025, 3_596_599, 3_618_852],
  ...[4_288_068, 4_465_995, 30_816_475, 139_275_865, 1_002, 1_003, 1_004, 1_005],
];
const LINES_MAX = 3;
const COUNT_MAX = 3;
/** More than there is of any SKU but one. */
const TOO_MANY = 65_535;
const SHARE = {
  cart: 0.5,
  short: 0.05,
  pay: 0.45,
  cancel: 0.25,
  twiceAtOnce: 0.15,
  again: 0.2,
  agrees: 0.6,
  outdated: 0.2,
};

export function wish(random: Random, userId: bigint): Wish {
  const way = random.chance(SHARE.cart) ? "cart" : random.chance(0.5) ? "gateway" : "grpc";
  const skus = random.shuffled(SKUS).slice(0, random.integer(1, LINES_MAX));
  const isShort = way !== "cart" && random.chance(SHARE.short);
  const fate = random.next();
  return {
    userId,
    way,
    items: skus.map((sku) => ({ sku, count: isShort ? TOO_MANY : random.integer(1, COUNT_MAX) })),
    fate: fate < SHARE.pay ? "pay" : fate < SHARE.pay + SHARE.cancel ? "cancel" : "leave",
    twiceAtOnce: random.chance(SHARE.twiceAtOnce),
    again: random.chance(SHARE.again),
    agrees: random.chance(SHARE.agrees),
    isOutdated: random.chance(SHARE.outdated),
  };
}
