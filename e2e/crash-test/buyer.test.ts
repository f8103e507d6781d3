import { expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../../shared/async/request-context.ts";
import type { Answer, Refused } from "./answer.ts";
import { Buyer } from "./buyer.ts";
import { Ledger } from "./ledger.ts";
import type { Wish } from "./purchase.ts";
import type { CartTransport, NewOrder, Transports } from "./transports.ts";

const PAYMENT_TIMEOUT_MS = 6_000;
const ORDER = 10n;
const WISH: Wish = {
  userId: 1n,
  way: "gateway",
  items: [{ sku: 1_002, count: 1 }],
  fate: "leave",
  twiceAtOnce: false,
  again: false,
  agrees: false,
  isOutdated: false,
};
const DONE: Answer = { kind: "done", orderId: ORDER };
const UNKNOWN: Answer = { kind: "unknown", why: "503" };
const refused = (status: number, orderId?: bigint): Refused => ({
  kind: "refused",
  status,
  orderId,
});

/** A clock whose waits end at once and advance the time. */
function hastyClock(): Clock {
  let now = 0;
  return {
    ...systemClock,
    now: () => now,
    setTimer(delayMs, fire) {
      now += delayMs;
      queueMicrotask(fire);
      return () => {};
    },
  };
}

/** Returns the answers in sequence, then repeats the last one. */
function answering(...answers: Answer[]) {
  let next = 0;
  return vi.fn<() => Promise<Answer>>(() =>
    Promise.resolve(answers[Math.min(next++, answers.length - 1)] as Answer)
  );
}

async function buy(wish: Partial<Wish>, transports: {
  readonly create?: (order: NewOrder) => Promise<Answer>;
  readonly pay?: () => Promise<Answer>;
  readonly add?: () => Promise<Answer>;
  readonly totalPrice?: bigint;
  readonly checkout?: CartTransport["checkout"];
  readonly status?: string;
}): Promise<Ledger> {
  const ledger = new Ledger();
  const done = () => Promise.resolve(DONE);
  const { create = done, pay = done, add = done, checkout = done } = transports;
  const transport = { create, pay, cancel: done };
  const shop: Transports = {
    cart: { add, checkout, totalPrice: () => Promise.resolve(transports.totalPrice) },
    gateway: transport,
    grpc: transport,
    status: () => Promise.resolve(transports.status),
    close: () => {},
  };
  const options = {
    transports: shop,
    ledger,
    clock: hastyClock(),
    paymentTimeoutMs: PAYMENT_TIMEOUT_MS,
  };
  await new Buyer(options, { ...WISH, ...wish }).buy();
  return ledger;
}

test("a create with an unknown outcome is retried with its key until it is known", async () => {
  const answers = answering(UNKNOWN, UNKNOWN, DONE);
  const create = vi.fn<(order: NewOrder) => Promise<Answer>>(answers);
  const ledger = await buy({}, { create });
  const keys = new Set(create.mock.calls.map(([order]) => order.key));
  expect([create.mock.calls.length, keys.size]).toEqual([3, 1]);
  expect(ledger.orders).toMatchObject([{ orderId: ORDER, status: "awaiting payment" }]);
});

test("a change that is never settled is reported", async () => {
  const ledger = await buy({}, { create: answering(UNKNOWN) });
  expect(ledger.strange).toEqual(["create of user 1 is never settled: 503"]);
});

test("an order that failed is recorded as failed", async () => {
  const ledger = await buy({ again: true }, { create: answering(refused(412, ORDER)) });
  expect(ledger.orders).toMatchObject([{ orderId: ORDER, status: "failed" }]);
  expect(ledger.strange).toEqual([]);
});

test("an unexpected answer is reported", async () => {
  const strange: Answer = { kind: "strange", why: "500 internal error" };
  const ledger = await buy({}, { create: answering(strange) });
  expect(ledger.strange).toEqual(["an order of user 1 was answered 500 internal error"]);
});

test("a read that misses an acknowledged write is reported as lost", async () => {
  const ledger = await buy({ fate: "pay" }, { status: "awaiting payment" });
  expect(ledger.lost).toEqual([
    "order 10 is payed for its buyer, and a read returns awaiting payment",
  ]);
});

test("a payment may be refused after the payment deadline, not before", async () => {
  const late = await buy({ fate: "pay" }, {
    pay: answering(...Array.from({ length: 50 }, () => UNKNOWN), refused(412)),
  });
  expect(late.strange).toEqual([]);
  const early = await buy({ fate: "pay" }, { pay: answering(refused(412)) });
  expect(early.strange).toEqual(["pay of order 10 of user 1 was answered 412"]);
});

test("an empty cart whose process was not killed is reported as lost", async () => {
  const ledger = await buy({ way: "cart" }, { checkout: answering(UNKNOWN, refused(404)) });
  expect(ledger.lost).toEqual(["user 1 has added 1 lines, and the cart is empty"]);
});

test("the later of two concurrent checkouts may find an empty cart", async () => {
  const ledger = await buy({ way: "cart", twiceAtOnce: true }, {
    checkout: answering(DONE, refused(404)),
  });
  expect([ledger.lost, ledger.strange, ledger.orders.length]).toEqual([[], [], 1]);
});

const changed: Answer = { ...refused(412), totalPrice: 9n };

test("a buyer who agrees to a total agrees to the next one when it has changed", async () => {
  const checkout = vi.fn<CartTransport["checkout"]>(answering(UNKNOWN, changed, DONE));
  const ledger = await buy({ way: "cart", agrees: true }, { totalPrice: 7n, checkout });
  expect(checkout.mock.calls).toEqual([[1n, 7n], [1n, 7n], [1n, 9n]]);
  expect(ledger.orders).toMatchObject([{ orderId: ORDER, totalPrice: 9n }]);
  expect(ledger.strange).toEqual([]);
});

test("the total of an order is uncertain after concurrent checkouts with two totals", async () => {
  const checkout = answering(changed, DONE);
  const wish = { way: "cart", agrees: true, twiceAtOnce: true } as const;
  const ledger = await buy(wish, { totalPrice: 7n, checkout });
  expect(ledger.orders).toHaveLength(1);
  expect(ledger.orders[0]).not.toHaveProperty("totalPrice");
});

test("a total that changes at every attempt is reported", async () => {
  const ledger = await buy({ way: "cart", agrees: true }, {
    totalPrice: 7n,
    checkout: answering(changed),
  });
  expect(ledger.strange).toEqual(["an order of user 1 was answered 412"]);
});

test("the items of a cart are certain unless an add was repeated", async () => {
  const certain = await buy({ way: "cart" }, {});
  expect(certain.orders[0]?.items).toEqual(WISH.items);
  const repeated = await buy({ way: "cart" }, { add: answering(UNKNOWN, DONE) });
  expect(repeated.orders[0]).not.toHaveProperty("items");
});
