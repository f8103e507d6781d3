import { vi } from "vitest";
import { type Caller, RequestContext } from "../../shared/async/request-context.ts";
import { childTraceparent } from "../../shared/telemetry/tracing.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { CheckoutDeps } from "../domain/checkout.ts";
import type { Deps, Orders, Products, Stocks } from "../domain/deps.ts";
import { MemoryCarts } from "../repository/memory.ts";

export const REQUEST_TIMEOUT_MS = 5_000;

/** Real carts with mocked services: every SKU is a product, and there are 100 of each. */
export function testDeps() {
  let keys = 0;
  let orders = 0n;
  const getProduct = vi.fn<Products["getProduct"]>((sku) =>
    Promise.resolve({ name: `product ${sku}`, price: sku })
  );
  const stocksInfo = vi.fn<Stocks["stocksInfo"]>(() => Promise.resolve(100n));
  const orderCreate = vi.fn<Orders["orderCreate"]>(() => Promise.resolve(++orders));
  return {
    carts: new MemoryCarts({ newIdempotencyKey: () => `key-${++keys}` }),
    products: { getProduct },
    stocks: { stocksInfo },
    orders: { orderCreate },
    running: new Map(),
    ending: new Map(),
  } satisfies Deps & CheckoutDeps;
}

export function testContext(
  options: { readonly clock?: VirtualClock; readonly caller?: Caller } = {},
): RequestContext {
  return new RequestContext({
    traceparent: childTraceparent(undefined),
    timeoutMs: REQUEST_TIMEOUT_MS,
    clock: new VirtualClock(),
    ...options,
  });
}

/** Puts lines into a cart without a check. */
export async function fill(
  deps: Pick<Deps, "carts">,
  userId: bigint,
  lines: Readonly<Record<number, number>>,
): Promise<void> {
  for (const [sku, count] of Object.entries(lines)) {
    const line = { sku: Number(sku), count };
    const limits = { countMax: 65_535, linesMax: 1000 };
    await deps.carts.addItem(userId, line, limits, testContext());
  }
}
