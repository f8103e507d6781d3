import { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { emptyCart, totalPrice } from "./cart.ts";
import type { CartLine, CheckoutAttempt, Deps, OrderLine } from "./deps.ts";
import { priceLines } from "./price-lines.ts";

/** How long a checkout waits for prices that no buyer agreed to: too short to be noticed. */
const UNAGREED_WAIT_MAX_MS = 100;
/** What the product service leaves of the deadline to loms. */
const ORDER_TIME_MIN_MS = 500;

/** What a buyer agreed to pay; undefined when the buyer did not say. */
export type AgreedTotal = bigint | undefined;

type PricingDeps = Pick<Deps, "carts" | "products">;

/**
 * The attempt of this user that is open, else a new one of the cart with its prices. Without an
 * agreed total, lines whose price is not known within 100 ms have none.
 * @throws {AppError} `not_found` when the cart is empty; with an agreed total `failed_precondition`
 * with the current prices when they come to another total, `unavailable` when there are none
 */
export async function beginAttempt(
  deps: PricingDeps,
  userId: bigint,
  agreedTotal: AgreedTotal,
  context: RequestContext,
): Promise<CheckoutAttempt> {
  const pricing = pricingContext(agreedTotal, context);
  const prices = new Map<number, number>();
  try {
    // Once more only when the cart has changed meanwhile, and never beyond the deadline.
    for (;;) {
      context.signal.throwIfAborted();
      const cart = await deps.carts.readToOrder(userId, context);
      if (cart.attempt) return cart.attempt;
      if (cart.lines.length === 0) throw emptyCart(userId);
      const unpriced = cart.lines.filter(({ sku }) => !prices.has(sku));
      if (unpriced.length > 0) {
        await learnPrices(deps, unpriced, agreedTotal, prices, pricing);
        // What the buyer agreed to is compared with the cart as it is by then.
        if (agreedTotal !== undefined) continue;
      }
      const items = cart.lines.map((line) => withPrice(line, prices.get(line.sku)));
      requireTotal(items, agreedTotal);
      const attempt = await deps.carts.beginAttempt(userId, cart.revision, items, context);
      if (attempt) return attempt;
    }
  } finally {
    pricing.close();
  }
}

function pricingContext(agreedTotal: AgreedTotal, context: RequestContext): RequestContext {
  const remainingMs = context.remainingMs();
  return new RequestContext({
    traceparent: context.traceparent,
    timeoutMs: agreedTotal === undefined
      ? Math.min(remainingMs, UNAGREED_WAIT_MAX_MS)
      : Math.max(0, remainingMs - ORDER_TIME_MIN_MS),
    caller: context,
    clock: context.clock,
  });
}

/** Adds the prices of the lines to `prices`: all of them, or those known in time. */
async function learnPrices(
  deps: PricingDeps,
  lines: readonly CartLine[],
  agreedTotal: AgreedTotal,
  prices: Map<number, number>,
  context: RequestContext,
): Promise<void> {
  if (agreedTotal !== undefined) {
    for (const { sku, price } of await priceLines(deps, lines, context)) prices.set(sku, price);
    return;
  }
  await Promise.all(lines.map(async ({ sku }) => {
    const product = await deps.products.getProduct(sku, context).catch(() => undefined);
    if (product) prices.set(sku, product.price);
  }));
}

function withPrice(line: CartLine, price: number | undefined): OrderLine {
  return price === undefined ? line : { ...line, price };
}

/** @param lines have prices if a total was agreed to */
function requireTotal(lines: readonly OrderLine[], agreedTotal: AgreedTotal): void {
  if (agreedTotal === undefined) return;
  const items = lines as readonly Required<OrderLine>[];
  const total = totalPrice(items);
  if (total === agreedTotal) return;
  throw new AppError("failed_precondition", `The cart costs ${total} now, not ${agreedTotal}`, {
    prices: { totalPrice: total, items: items.map(({ sku, price }) => ({ sku, price })) },
  });
}
