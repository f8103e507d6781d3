import { RequestContext } from "../../shared/async/request-context.ts";
import { type ErrorCode, isUnknownOutcome, toAppError } from "../../shared/errors.ts";
import { ask } from "./ask.ts";
import { emptyCart } from "./cart.ts";
import type { CheckoutAttempt, RunningCheckout } from "./checkout-attempts.ts";
import type { Deps } from "./deps.ts";

/*
 * Invariant: what is in a cart is ordered at most once, and an order that was made is told of.
 *
 * 1. The attempt begins: a snapshot of the cart and a key of its own.
 * 2. loms is asked to create the order under that key.
 * 3. Refused for good: the attempt ends, the cart stays as it is.
 *    Unknown: the attempt stays, until loms has said what became of its key, and the next checkout goes on at 2 with the same key and snapshot;
 *    loms answers a key that it knows with its first answer.
 * 4. Created: what was ordered leaves the cart, and the attempt ends if anybody still waits for
 *    the answer. If nobody does, the next checkout learns the same order by the same key.
 *
 * One attempt of a user runs at a time; whoever comes meanwhile shares it. It runs under a deadline
 * of its own and under nobody's cancellation, so a caller that leaves takes nothing from the
 * others. If the process dies, carts and attempts are gone together: an order may exist that nobody
 * was told of, but no cart is left from which it could be ordered again.
 */

type CheckoutDeps = Pick<Deps, "carts" | "orders" | "attempts" | "newIdempotencyKey">;

/**
 * Orders what is in the cart; resolves with the order's id.
 * @throws {AppError} `not_found` when the cart is empty and no attempt waits to be settled;
 * `failed_precondition` with the shortage; `unavailable` when the outcome is unknown
 */
export async function checkout(
  deps: CheckoutDeps,
  { userId }: { readonly userId: bigint },
  context: RequestContext,
): Promise<bigint> {
  const running = deps.attempts.running(userId) ?? start(deps, userId, context);
  running.callers++;
  try {
    return await ask("loms", untilAborted(running.orderId, context.signal));
  } finally {
    running.callers--;
  }
}

function start(deps: CheckoutDeps, userId: bigint, context: RequestContext): RunningCheckout {
  const ownContext = new RequestContext({
    traceparent: context.traceparent,
    timeoutMs: context.remainingMs(),
    clock: context.clock,
  });
  const isAwaited = () => running.callers > 0;
  const orderId = run(deps, userId, isAwaited, ownContext);
  // Those who wait see the failure; when nobody does any more, the next checkout meets it again.
  orderId.catch(() => {});
  const running: RunningCheckout = { orderId, callers: 0 };
  deps.attempts.started(userId, running);
  return running;
}

async function run(
  deps: CheckoutDeps,
  userId: bigint,
  isAwaited: () => boolean,
  context: RequestContext,
): Promise<bigint> {
  try {
    const attempt = deps.attempts.find(userId) ?? await begin(deps, userId);
    const orderId = await createOrder(deps, userId, attempt, context);
    const ordered = [...attempt.stillInCart].map(([sku, count]) => ({ sku, count }));
    await deps.carts.removeOrdered(userId, ordered);
    attempt.stillInCart.clear();
    if (isAwaited()) deps.attempts.end(userId);
    return orderId;
  } finally {
    deps.attempts.stopped(userId);
    context.close();
  }
}

async function begin(deps: CheckoutDeps, userId: bigint): Promise<CheckoutAttempt> {
  const lines = await deps.carts.listCart(userId);
  if (lines.length === 0) throw emptyCart(userId);
  return deps.attempts.begin(userId, deps.newIdempotencyKey(), lines);
}

async function createOrder(
  deps: CheckoutDeps,
  userId: bigint,
  attempt: CheckoutAttempt,
  context: RequestContext,
): Promise<bigint> {
  const { items, idempotencyKey } = attempt;
  try {
    return await deps.orders.orderCreate({ userId, items, idempotencyKey }, context);
  } catch (error) {
    const { code } = toAppError(error);
    if (isUnknownOutcome(code)) attempt.outcomeUnknown = true;
    else if (settles(code, attempt)) deps.attempts.end(userId);
    throw error;
  }
}

/** A try that was turned away for want of room says nothing of an earlier one. */
function settles(code: ErrorCode, { outcomeUnknown }: CheckoutAttempt): boolean {
  return code !== "resource_exhausted" || !outcomeUnknown;
}

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
