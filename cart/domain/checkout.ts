import { RequestContext } from "../../shared/async/request-context.ts";
import { AppError, isUnknownOutcome, toAppError } from "../../shared/errors.ts";
import { deadlineAsUnavailable, emptyCart, totalPrice } from "./cart.ts";
import type { CartLine, CheckoutAttempt, Deps, OrderLine } from "./deps.ts";
import { priceLines } from "./price-lines.ts";

/*
 * Invariant: the content of a cart is ordered at most once, and each order is reported to a caller.
 *
 * 0. readToOrder(): an attempt that is there is resumed with 2. Otherwise cart prices the lines. If
 *    the buyer agreed to another total, the checkout ends here.
 * 1. beginAttempt(): the cart store begins an attempt, if the `revision` of the cart is still that
 *    of 0. It has the `items`, a snapshot of the cart with these prices, and an `idempotencyKey`.
 * 2. orderCreate(): cart calls loms to create the order under that key.
 * 3. Permanent failure, endAttempt(): the attempt ends, the cart is unchanged.
 *    Unknown outcome: the attempt stays, and the next checkout repeats 2 with the same key and
 *    items. loms repeats its first answer to a known key.
 * 4. Created, settleAttempt() with `keep`: the ordered items leave the cart, and the attempt stays.
 *    If the store does not answer, or no caller waits, the next checkout gets the same order by the
 *    same key.
 * 5. settleAttempt() without `keep` ends the attempt, and the callers are answered. The answer does
 *    not wait for the store; the next checkout in this process does. endAttempt() would not do: a
 *    replica that has become the primary may lack 4, and still have the items in the cart.
 *
 * In one process a user has one attempt at a time, and concurrent callers share it. It has its own
 * deadline and no caller can cancel it, so a caller that disconnects does not affect the others.
 *
 * Carts and attempts in memory are lost with the process. An order may then exist that was never
 * reported, but its cart is lost too and cannot be ordered again.
 *
 * With an external store, if a process dies
 *    after 1: loms has no order yet. The next checkout, in any process, finds the attempt, whose
 *    outcome is unknown, and repeats 2 with the same key and items.
 *    after 2: the same; loms answers with the existing order.
 *    after 4: the same; the items have left the cart already.
 *    after 5: the attempt has ended. If the process has not sent the answer yet, or the answer is
 *    lost on its way, the buyer finds the order in the list of orders.
 * If the store does not do 5, the next checkout gets the same order once more.
 *
 * Concurrent processes that run one attempt send one key, so loms creates one order and gives each
 * the same answer. The first process to do 3 or 5 ends the attempt; the others find none. If loms
 * is overloaded, the attempt stays, because another process may have sent it.
 *
 * A replica that replaces the store's primary may lack the last changes. Before 2, a replica has
 * the attempt, if there is a replica. The key is the revision of the cart: a store that has lost
 * the attempt still has the cart and its revision, so the next checkout begins 1 with the same key.
 */

/** How long a checkout without an agreed total waits for prices. */
const UNAGREED_WAIT_MAX_MS = 100;
/** Time that the product service must leave for the call of loms. */
const ORDER_TIME_MIN_MS = 500;
/** How long step 5 may take, for which the user's next checkout waits. */
const END_TIMEOUT_MS = 2_000;

/** The total that the buyer agreed to; undefined if the buyer named none. */
type AgreedTotal = bigint | undefined;

interface Progress {
  /** Callers that wait. */
  callers: number;
  waitsFor: "product service" | "loms";
}

/** The checkout in progress of one user. */
export interface RunningCheckout {
  readonly orderId: Promise<bigint>;
  readonly progress: Progress;
  readonly agreedTotal: AgreedTotal;
}

export interface CheckoutDeps extends Pick<Deps, "carts" | "products" | "orders"> {
  /** The checkouts in progress in this process, by user. */
  readonly running: Map<bigint, RunningCheckout>;
  /** The attempts in step 5 in this process, by user. */
  readonly ending: Map<bigint, Promise<void>>;
}

export interface CheckoutInput {
  readonly userId: bigint;
  /** Ignored when an earlier attempt is settled. */
  readonly agreedTotal?: AgreedTotal;
}

/**
 * Orders the content of the cart and resolves with the order's id.
 * @throws {AppError} `not_found` if the cart is empty and no attempt is pending;
 * `failed_precondition` with the shortage, or with the current prices if the cart does not cost the
 * agreed total; `unavailable` if prices to compare are unavailable, or the outcome is unknown
 */
export async function checkout(
  deps: CheckoutDeps,
  input: CheckoutInput,
  context: RequestContext,
): Promise<bigint> {
  for (;;) {
    const running = deps.running.get(input.userId) ?? start(deps, input, context);
    const { progress } = running;
    progress.callers++;
    try {
      return await untilAborted(running.orderId, context.signal);
    } catch (error) {
      // A refusal for another caller's total does not apply to this caller.
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
  // Waiting callers get the failure. Without callers it must not be an unhandled rejection.
  orderId.catch(() => {});
  const running = { orderId, progress, agreedTotal: input.agreedTotal };
  deps.running.set(input.userId, running);
  return running;
}

async function run(
  deps: CheckoutDeps,
  { userId, agreedTotal }: CheckoutInput,
  progress: Progress,
  context: RequestContext,
): Promise<bigint> {
  try {
    await deps.ending.get(userId);
    const attempt = await beginAttempt(deps, userId, agreedTotal, context);
    progress.waitsFor = "loms";
    const orderId = await createOrder(deps, userId, attempt, context);
    await deps.carts.settleAttempt(userId, attempt, { keep: true }, context);
    if (progress.callers > 0) deps.ending.set(userId, endReported(deps, userId, attempt, context));
    return orderId;
  } finally {
    deps.running.delete(userId);
    context.close();
  }
}

type PricingDeps = Pick<Deps, "carts" | "products">;

/**
 * The pending attempt of this user, or a new one of the cart with its prices. Without an agreed
 * total, lines whose price is not known within 100 ms have none.
 * @throws {AppError} `not_found` if the cart is empty; with an agreed total `failed_precondition`
 * with the current prices if the total differs, `unavailable` if a price is unavailable
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
    // Repeats only if the cart has changed meanwhile, and stops at the deadline.
    for (;;) {
      context.signal.throwIfAborted();
      const cart = await deps.carts.readToOrder(userId, context);
      if (cart.attempt) return cart.attempt;
      if (cart.lines.length === 0) throw emptyCart(userId);
      const unpriced = cart.lines.filter(({ sku }) => !prices.has(sku));
      if (unpriced.length > 0) {
        await learnPrices(deps, unpriced, agreedTotal, prices, pricing);
        // The agreed total is compared with the cart as it is after the wait.
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

/** @param lines with prices, if a total was agreed to */
function requireTotal(lines: readonly OrderLine[], agreedTotal: AgreedTotal): void {
  if (agreedTotal === undefined) return;
  const items = lines as readonly Required<OrderLine>[];
  const total = totalPrice(items);
  if (total === agreedTotal) return;
  throw new AppError("failed_precondition", `The cart costs ${total} now, not ${agreedTotal}`, {
    prices: { totalPrice: total, items: items.map(({ sku, price }) => ({ sku, price })) },
  });
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
    // A call that loms rejected as overloaded does not reveal the outcome of an earlier one.
    const isOverload = code === "resource_exhausted";
    if (!isUnknownOutcome(code) && !(isOverload && attempt.isResumed)) {
      await end(deps, userId, attempt, context, isOverload);
    }
    throw error;
  }
}

/** Step 5. A failure, or the deadline of the callers, does not matter: they have their answer. */
async function endReported(
  deps: CheckoutDeps,
  userId: bigint,
  attempt: CheckoutAttempt,
  { traceparent, clock }: RequestContext,
): Promise<void> {
  const context = new RequestContext({ traceparent, timeoutMs: END_TIMEOUT_MS, clock });
  await deps.carts.settleAttempt(userId, attempt, { keep: false }, context).catch(() => {});
  deps.ending.delete(userId);
  context.close();
}

/** An attempt that cannot be ended stays; the next checkout gets the same answer from loms. */
async function end(
  deps: CheckoutDeps,
  userId: bigint,
  attempt: CheckoutAttempt,
  context: RequestContext,
  unlessShared = false,
): Promise<void> {
  await deps.carts.endAttempt(userId, attempt, { unlessShared }, context).catch(() => {});
}

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
