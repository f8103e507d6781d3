import { expect } from "vitest";
import { expectNotifications } from "./notifications.ts";
import type { SharedShop } from "./own-stack.ts";

/** loms cancels an order within this time after its deadline. */
const CANCEL_WITHIN_MS = 2_000;
/** On a busy machine a cancellation may be late, but not every time. */
const TRIES = 3;

/**
 * Creates orders until all of a group are cancelled within 2 s of their deadline. No order is
 * cancelled before it.
 */
export async function expectCancelledInTime(
  shop: Pick<SharedShop, "logDirectory">,
  paymentTimeoutMs: number,
  create: () => Promise<readonly number[]>,
): Promise<void> {
  const within = paymentTimeoutMs + CANCEL_WITHIN_MS;
  let slowest = Infinity;
  for (let attempt = 0; attempt < TRIES && slowest > within; attempt++) {
    const waited = await timesToCancel(shop, await create());
    expect(Math.min(...waited)).toBeGreaterThanOrEqual(paymentTimeoutMs);
    slowest = Math.max(...waited);
  }
  expect(slowest).toBeLessThanOrEqual(within);
}

/** From the creation of each order to its cancellation, by the clock of the database. */
async function timesToCancel(
  shop: Pick<SharedShop, "logDirectory">,
  orders: readonly number[],
): Promise<number[]> {
  const waited: number[] = [];
  for (const order of orders) {
    const shown = await expectNotifications(shop, order, ["new", "awaiting payment", "cancelled"]);
    const [created = 0, , cancelled = 0] = shown.map(({ at }) => Date.parse(at));
    waited.push(cancelled - created);
  }
  return waited;
}
