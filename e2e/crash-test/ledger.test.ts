import { expect, test } from "vitest";
import { Ledger } from "./ledger.ts";

const ITEMS = [{ sku: 1_002, count: 1 }];
const KEYED = { userId: 1n, key: "k", items: ITEMS };

test("a ledger keeps the newest reported status of each order", () => {
  const ledger = new Ledger();
  ledger.created(KEYED, 10n, "awaiting payment");
  ledger.created(KEYED, 10n, "awaiting payment");
  ledger.created({ userId: 2n, totalPrice: 0n }, 11n, "failed");
  ledger.changed(10n, "payed");
  expect(ledger.orders).toEqual([
    { ...KEYED, orderId: 10n, status: "payed" },
    { userId: 2n, orderId: 11n, status: "failed", totalPrice: 0n },
  ]);
  expect(ledger.acknowledged).toBe(4);
  expect([ledger.lost, ledger.doubled, ledger.strange]).toEqual([[], [], []]);
});

test("two orders for a key, or for a cart's only checkout, are duplicates", () => {
  const ledger = new Ledger();
  ledger.created(KEYED, 10n, "awaiting payment");
  ledger.created(KEYED, 11n, "awaiting payment");
  ledger.created({ userId: 2n }, 12n, "awaiting payment");
  ledger.created({ userId: 2n }, 13n, "awaiting payment");
  expect(ledger.doubled).toEqual([
    "user 1, k: got order 10 and order 11",
    "user 2, checkout: got order 12 and order 13",
  ]);
});

test("a checkout that is refused twice creates two failed orders, which are not duplicates", () => {
  const ledger = new Ledger();
  ledger.created({ userId: 2n }, 12n, "failed");
  ledger.created({ userId: 2n }, 13n, "failed");
  expect(ledger.doubled).toEqual([]);
});

test("one order for two users is a duplicate, and one created and failed is inconsistent", () => {
  const ledger = new Ledger();
  ledger.created(KEYED, 10n, "awaiting payment");
  ledger.created({ userId: 2n }, 10n, "awaiting payment");
  ledger.created(KEYED, 10n, "failed");
  expect(ledger.doubled).toEqual(["order 10 was acknowledged to user 1 and to user 2"]);
  expect(ledger.strange).toEqual(["order 10 was acknowledged as awaiting payment and as failed"]);
});

test("more() resolves after the given number of further answers", async () => {
  const ledger = new Ledger();
  let reached = false;
  const more = ledger.more(2).then(() => reached = true);
  ledger.changed(1n, "payed");
  await Promise.resolve();
  expect(reached).toBe(false);
  ledger.changed(1n, "payed");
  await more;
});
