import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { expectCancelledInTime } from "./cancelled-in-time.ts";
import { eventually } from "./eventually.ts";
import { expectNotifications } from "./notifications.ts";
import { startOwnStack } from "./own-stack.ts";
import { type Shop, shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const PAYMENT_TIMEOUT_MS = 2_000;
const SKU = 4_465_995;

let stack: Stack;
let shop: Shop;
beforeAll(async () => {
  const environment = { ORDER_PAYMENT_TIMEOUT: `${PAYMENT_TIMEOUT_MS}ms` };
  stack = await startOwnStack({ environment });
  shop = shopAt(stack);
});
afterAll(() => stack.close());

test("unpaid orders are cancelled within 2 s of their deadline", async () => {
  const before = await shop.stock(SKU);
  const orders: number[] = [];
  await expectCancelledInTime(stack, PAYMENT_TIMEOUT_MS, async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, () => shop.create(newUser(), SKU, 1)),
    );
    orders.push(...made);
    return made;
  });
  for (const order of orders) expect(await shop.status(order)).toBe("cancelled");
  expect(await shop.stock(SKU)).toBe(before);
});

test("an order that is payed in time stays payed", async () => {
  // On a busy machine an order may be overdue before it is payed.
  const payed = await eventually(async () => {
    const order = await shop.create(newUser(), SKU, 1);
    await shop.pay(order);
    return order;
  });
  const unpaid = await shop.create(newUser(), SKU, 1);
  await expectNotifications(stack, unpaid, ["new", "awaiting payment", "cancelled"]);
  await expectNotifications(stack, payed, ["new", "awaiting payment", "payed"]);
  expect(await shop.status(payed)).toBe("payed");
});

test("a payment around the deadline and the expiry agree on one final status", async () => {
  const before = await shop.stock(SKU);
  const orders = await Promise.all(
    Array.from({ length: 10 }, () => shop.create(newUser(), SKU, 1)),
  );
  const payed = await Promise.all(orders.map(async (order, index) => {
    const at = performance.now() + PAYMENT_TIMEOUT_MS - 250 + index * 50;
    await eventually(() => expect(performance.now()).toBeGreaterThan(at));
    return await eventually(async () => {
      const { status, text } = await shop.tryPay(order);
      // After any other status the order may be payed or not; a repetition settles it.
      expect([200, 412], text).toContain(status);
      return status === 200;
    });
  }));
  for (const [index, order] of orders.entries()) {
    const final = payed[index] ? "payed" : "cancelled";
    await expectNotifications(stack, order, ["new", "awaiting payment", final]);
    expect(await shop.status(order)).toBe(final);
  }
  expect(await shop.stock(SKU)).toBe(before - payed.filter(Boolean).length);
});

test("a deadline that passes while loms is stopped is applied at its next start", async () => {
  const before = await shop.stock(SKU);
  const order = await shop.create(newUser(), SKU, 1);
  const due = performance.now() + PAYMENT_TIMEOUT_MS;
  await stack.kill("loms");
  await eventually(() => expect(performance.now()).toBeGreaterThan(due));
  await stack.restart("loms");
  await eventually(async () => expect(await shop.status(order)).toBe("cancelled"));
  expect(await shop.stock(SKU)).toBe(before);
  await expectNotifications(stack, order, ["new", "awaiting payment", "cancelled"]);
});
