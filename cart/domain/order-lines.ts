import { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { emptyCart, totalPrice } from "./cart.ts";
import type { CartLine, Deps, OrderLine } from "./deps.ts";
import { knownPrices, priceLines } from "./price-lines.ts";

/** How long a checkout waits for prices that no buyer agreed to: too short to be noticed. */
const UNAGREED_WAIT_MAX_MS = 100;
/** What the product service leaves of the deadline to loms. */
const ORDER_TIME_MIN_MS = 500;

/** What a buyer agreed to pay; undefined when the buyer did not say. */
export type AgreedTotal = bigint | undefined;

type PricingDeps = Pick<Deps, "carts" | "products">;

/**
 * The lines to order, with their prices. Without an agreed total, lines whose price is not known
 * within 100 ms have none.
 * @throws {AppError} `not_found` when the cart is empty; with an agreed total `failed_precondition`
 * with the current prices when they come to another total, `unavailable` when there are none
 */
export async function orderLines(
  deps: PricingDeps,
  userId: bigint,
  agreedTotal: AgreedTotal,
  context: RequestContext,
): Promise<readonly OrderLine[]> {
  const remainingMs = context.remainingMs();
  const pricing = new RequestContext({
    traceparent: context.traceparent,
    timeoutMs: agreedTotal === undefined
      ? Math.min(remainingMs, UNAGREED_WAIT_MAX_MS)
      : Math.max(0, remainingMs - ORDER_TIME_MIN_MS),
    caller: context,
    clock: context.clock,
  });
  try {
    return agreedTotal === undefined
      ? await linesWithKnownPrices(deps, userId, pricing)
      : await linesForTotal(deps, userId, agreedTotal, pricing);
  } finally {
    pricing.close();
  }
}

async function linesWithKnownPrices(
  deps: PricingDeps,
  userId: bigint,
  context: RequestContext,
): Promise<readonly OrderLine[]> {
  const prices = await knownPrices(deps, await linesOf(deps, userId), context);
  // Read again: lines that were deleted in between are not ordered.
  return (await linesOf(deps, userId)).map((line) => {
    const price = prices.get(line.sku);
    return price === undefined ? line : { ...line, price };
  });
}

async function linesForTotal(
  deps: PricingDeps,
  userId: bigint,
  agreedTotal: bigint,
  context: RequestContext,
): Promise<readonly OrderLine[]> {
  const prices = new Map<number, number>();
  // Once more only when another SKU was added meanwhile, and never beyond the deadline.
  for (;;) {
    const lines = await linesOf(deps, userId);
    const unpriced = lines.filter(({ sku }) => !prices.has(sku));
    if (unpriced.length === 0) {
      const priced = lines.map((line) => ({ ...line, price: prices.get(line.sku) as number }));
      requireTotal(priced, agreedTotal);
      return priced;
    }
    for (const { sku, price } of await priceLines(deps, unpriced, context)) prices.set(sku, price);
  }
}

async function linesOf(deps: PricingDeps, userId: bigint): Promise<readonly CartLine[]> {
  const lines = await deps.carts.listCart(userId);
  if (lines.length === 0) throw emptyCart(userId);
  return lines;
}

function requireTotal(lines: readonly Required<OrderLine>[], agreedTotal: bigint): void {
  const total = totalPrice(lines);
  if (total === agreedTotal) return;
  const items = lines.map(({ sku, price }) => ({ sku, price }));
  throw new AppError("failed_precondition", `The cart costs ${total} now, not ${agreedTotal}`, {
    prices: { totalPrice: total, items },
  });
}
