import { RequestContext } from "../../shared/async/request-context.ts";
import { type ErrorCode, isUnknownOutcome, toAppError } from "../../shared/errors.ts";
import { deadlineAsUnavailable } from "./cart.ts";
import type { Deps, OrderLine } from "./deps.ts";
import { type AgreedTotal, orderLines } from "./order-lines.ts";

/*
 * Invariant: what is in a cart is ordered at most once, and every order is reported to a caller.
 *
 * 0. The cart is priced. A total that the buyer agreed to is compared with it; nothing has begun
 *    when it differs.
 * 1. An attempt begins: a snapshot of the cart with these prices and a new idempotency key.
 * 2. cart calls loms to create the order under that key.
 * 3. Permanent failure: the attempt ends, the cart stays as it is.
 *    Unknown outcome: the attempt stays, and the next checkout repeats 2 with the same key and
 *    snapshot. loms answers a key that it knows with its first answer.
 * 4. Created: the ordered items leave the cart. The attempt ends if a caller still waits for the
 *    answer; otherwise the next checkout gets the same order by the same key.
 *
 * One attempt of a user runs at a time, and callers that arrive meanwhile share it. It has its own
 * deadline and no caller can cancel it, so a caller that disconnects does not affect the others.
 * When the process dies, carts and attempts are lost together: an order may exist that was never
 * reported, but no cart is left from which it could be ordered again.
 */

/** The order of a cart whose outcome may still be unknown. */
export interface CheckoutAttempt {
  readonly idempotencyKey: string;
  /** The cart with its prices when the attempt began. */
  readonly items: readonly OrderLine[];
  /** Count by SKU of what was ordered and has not left the cart since. */
  readonly stillInCart: Map<number, number>;
  /** Whether the answer to a call was lost, so that the order may exist. */
  outcomeUnknown: boolean;
}

interface Progress {
  /** How many callers wait. */
  callers: number;
  waitsFor: "product service" | "loms";
}

/** The checkout in progress of one user. */
export interface RunningCheckout {
  readonly orderId: Promise<bigint>;
  readonly progress: Progress;
  readonly agreedTotal: AgreedTotal;
}

/**
 * At most one attempt per user, in the memory of this process like the carts. An attempt is kept
 * until its outcome is known and a caller has received it.
 */
export class CheckoutAttempts {
  readonly #attempts = new Map<bigint, CheckoutAttempt>();
  readonly #running = new Map<bigint, RunningCheckout>();

  find(userId: bigint): CheckoutAttempt | undefined {
    return this.#attempts.get(userId);
  }

  begin(userId: bigint, idempotencyKey: string, items: readonly OrderLine[]): CheckoutAttempt {
    const stillInCart = new Map(items.map(({ sku, count }) => [sku, count]));
    const attempt = { idempotencyKey, items, stillInCart, outcomeUnknown: false };
    this.#attempts.set(userId, attempt);
    return attempt;
  }

  end(userId: bigint): void {
    this.#attempts.delete(userId);
  }

  /** What is added to the cart from now on was not ordered, whatever its SKU. */
  lineDeleted(userId: bigint, sku: number): void {
    this.#attempts.get(userId)?.stillInCart.delete(sku);
  }

  cartCleared(userId: bigint): void {
    this.#attempts.get(userId)?.stillInCart.clear();
  }

  running(userId: bigint): RunningCheckout | undefined {
    return this.#running.get(userId);
  }

  started(userId: bigint, running: RunningCheckout): void {
    this.#running.set(userId, running);
  }

  stopped(userId: bigint): void {
    this.#running.delete(userId);
  }

  /** Attempts in progress, and those whose outcome is unknown or not reported. */
  get size(): number {
    return this.#attempts.size;
  }
}

type ServiceDeps = Pick<Deps, "carts" | "products" | "orders" | "newIdempotencyKey">;

export interface CheckoutDeps extends ServiceDeps {
  readonly attempts: CheckoutAttempts;
}

export interface CheckoutInput {
  readonly userId: bigint;
  /** Not looked at when an earlier attempt is settled. */
  readonly agreedTotal?: AgreedTotal;
}

/**
 * Orders the content of the cart and resolves with the order's id.
 * @throws {AppError} `not_found` when the cart is empty and no earlier attempt is open;
 * `failed_precondition` with the shortage, or with the current prices when the cart does not cost
 * what the buyer agreed to; `unavailable` when prices to compare with cannot be had, or the outcome
 * is unknown
 */
export async function checkout(
  deps: CheckoutDeps,
  input: CheckoutInput,
  context: RequestContext,
): Promise<bigint> {
  for (;;) {
    const running = deps.attempts.running(input.userId) ?? start(deps, input, context);
    const { progress } = running;
    progress.callers++;
    try {
      return await untilAborted(running.orderId, context.signal);
    } catch (error) {
      // What another caller agreed to is no reason to refuse this one, which takes its own turn.
      const isForeign = progress.waitsFor === "product service" &&
        running.agreedTotal !== input.agreedTotal && !context.signal.aborted;
      if (!isForeign) deadlineAsUnavailable(progress.waitsFor, error);
    } finally {
      progress.callers--;
    }
  }
}

function start(
  deps: CheckoutDeps,
  input: CheckoutInput,
  context: RequestContext,
): RunningCheckout {
  const ownContext = new RequestContext({
    traceparent: context.traceparent,
    timeoutMs: context.remainingMs(),
    clock: context.clock,
  });
  const progress: Progress = { callers: 0, waitsFor: "product service" };
  const orderId = run(deps, input, progress, ownContext);
  // Waiting callers get the failure. Without one it is not an unhandled rejection.
  orderId.catch(() => {});
  const running = { orderId, progress, agreedTotal: input.agreedTotal };
  deps.attempts.started(input.userId, running);
  return running;
}

async function run(
  deps: CheckoutDeps,
  input: CheckoutInput,
  progress: Progress,
  context: RequestContext,
): Promise<bigint> {
  const { userId } = input;
  try {
    const attempt = deps.attempts.find(userId) ?? await begin(deps, input, context);
    progress.waitsFor = "loms";
    const orderId = await createOrder(deps, userId, attempt, context);
    const ordered = [...attempt.stillInCart].map(([sku, count]) => ({ sku, count }));
    await deps.carts.removeOrdered(userId, ordered);
    attempt.stillInCart.clear();
    if (progress.callers > 0) deps.attempts.end(userId);
    return orderId;
  } finally {
    deps.attempts.stopped(userId);
    context.close();
  }
}

async function begin(
  deps: CheckoutDeps,
  { userId, agreedTotal }: CheckoutInput,
  context: RequestContext,
): Promise<CheckoutAttempt> {
  const lines = await orderLines(deps, userId, agreedTotal, context);
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

/** A call that loms rejected as overloaded does not reveal the outcome of an earlier one. */
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
