import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { type Alone, startAlone } from "./alone.ts";
import { settingsBeside } from "./beside.ts";
import { eventually } from "./eventually.ts";
import { buyWithKeys, insist } from "./retrying-buyer.ts";
import { startOwnStack } from "./own-stack.ts";
import { type Shop, shopAt } from "./shop.ts";
import { underLoad } from "./under-load.ts";
import { newUser } from "./users.ts";

/** With more in stock than the test sells. */
const SKU = 139_275_865;
const SKU_STOCK = 65_534;
const CALLERS = 6;
/** How many of its last keys each caller repeats. */
const REPEATED = 20;
/** Two restarts, with a load before and after each of them. */
const TEST_MAX_MS = 120_000;

let stack: Stack;
let second: Awaited<ReturnType<typeof settingsBeside>>;
let secondProcess: Alone;
/** The same shop through each of the two processes of loms. */
let transports: readonly Shop[];

const startSecond = () => startAlone("loms", second.settings, second.url);

async function stopSecond(): Promise<void> {
  secondProcess.signal("SIGTERM");
  expect(await secondProcess.ended).toBe("exit code 0");
}

beforeAll(async () => {
  stack = await startOwnStack();
  second = await settingsBeside("loms", stack);
  secondProcess = await startSecond();
  transports = [shopAt(stack), shopAt({ urls: { ...stack.urls, loms: second.url } })];
});
afterAll(() => stack.close());

/** Buys through cart, which calls the first loms only and keeps the cart while that is down. */
async function buyFromCart(isOpen: () => boolean): Promise<number[]> {
  const [shop] = transports as [Shop];
  const user = newUser();
  const reported: number[] = [];
  while (isOpen()) {
    await eventually(() => shop.add(user, SKU, 1));
    const { body } = await insist(() => shop.tryCheckout(user));
    reported.push(body["order_id"] as number);
    expect(await shop.inCart(user)).toEqual({});
  }
  return reported;
}

/** Lets every caller finish at least one more order. */
async function afterMore(orders: () => Promise<number>): Promise<void> {
  const before = await orders();
  await eventually(async () => expect(await orders()).toBeGreaterThan(before + 2 * CALLERS));
}

test(
  "loms processes restarted in turn under load: retries with the key succeed, one order per key",
  async () => {
    const buyers = (isOpen: () => boolean) =>
      Promise.all([
        Promise.all(Array.from({ length: CALLERS }, () => buyWithKeys(transports, SKU, isOpen))),
        buyFromCart(isOpen),
      ]);
    const left = () =>
      (transports[1] as Shop).stock(SKU).catch(() => (transports[0] as Shop).stock(SKU));
    const sold = async () => SKU_STOCK - await left();

    const [byCaller, checkouts] = await underLoad(buyers, async () => {
      await afterMore(sold);
      await stack.restart("loms");
      await afterMore(sold);
      await stopSecond();
      secondProcess = await startSecond();
      await afterMore(sold);
    });
    const orders = [...byCaller.flat().map(({ order }) => order), ...checkouts];
    expect(new Set(orders).size, "one order to each key").toBe(orders.length);
    expect(await sold(), "no order without an acknowledgement").toBe(orders.length);
    for (const { user, key, order } of byCaller.flatMap((each) => each.slice(-REPEATED))) {
      const items = [{ sku: SKU, count: 1 }];
      const again = await (transports[1] as Shop).tryCreate(user, items, {
        "idempotency-key": key,
      });
      expect(again.body["orderID"]).toBe(order);
    }
    await stopSecond();
  },
  TEST_MAX_MS,
);
