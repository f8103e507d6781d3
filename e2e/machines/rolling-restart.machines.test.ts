import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Stack } from "../../stack/start.ts";
import { eventually } from "../eventually.ts";
import type { Answer } from "../http.ts";
import { newDataDirectory, removeDirectory, startOwnStack } from "../own-stack.ts";
import { type Shop, shopAt } from "../shop.ts";
import { newUser } from "../users.ts";
import { type PairOfServices, startPairOfServices } from "./pair-of-services.ts";
import { startStoreServer, type StoreServer } from "./store-server.ts";

const programs = inject("machines");
const stores = inject("stores");

/** With more in stock than the test sells. */
const SKU = 139_275_865;
const BUYERS = 4;
const MORE_ORDERS = 30;
/** Six processes, one after the other. */
const TEST_MAX_MS = 180_000;

describe.skipIf(!programs || !stores)("two of each service behind HAProxy", () => {
  let stack: Stack;
  let store: StoreServer;
  let services: PairOfServices;
  const directory = newDataDirectory();
  const ended: string[] = [];

  beforeAll(async () => {
    if (!programs || !stores) return;
    stack = await startOwnStack({}, { notifierLogs: [] });
    // The stack's own notifier is not used, or three notifiers would share the events.
    await Promise.all(["cart", "loms", "notifier"].map((part) => stack.kill(part as "cart")));
    store = await startStoreServer({ program: stores["redis-server"], directory });
    services = await startPairOfServices(programs.haproxy, stack, {
      CART_STORE_URL: `redis://127.0.0.1:${store.port}`,
    }, { logDirectory: directory, onEnd: (how) => ended.push(how) });
  });
  afterAll(async () => {
    await services?.close();
    await store?.kill();
    await stack?.close();
    removeDirectory(directory);
  });

  test("no purchase fails while all of them are restarted in turn under load", async () => {
    const { cart, loms } = services.proxy;
    const shop = shopAt({ urls: { ...stack.urls, cart, loms } });
    const orders: number[] = [];
    let isOpen = true;
    const buyers = Array.from({ length: BUYERS }, async () => {
      while (isOpen) orders.push(await purchase(shop));
    });
    const buyMore = async () => {
      const before = orders.length;
      await eventually(() => expect(orders.length).toBeGreaterThan(before + MORE_ORDERS));
    };
    const restarted = async () => {
      await buyMore();
      for (const process of services.processes) {
        await process.stop();
        await process.start();
        await buyMore();
      }
    };
    try {
      await Promise.race([restarted(), Promise.all(buyers)]);
    } finally {
      isOpen = false;
    }
    await Promise.all(buyers);
    expect(new Set(orders).size).toBe(orders.length);
    expect(ended).toEqual([]);
  }, TEST_MAX_MS);
});

/** Each step must succeed without a retry. */
async function purchase(shop: Shop): Promise<number> {
  const user = newUser();
  succeeded("add", await shop.tryAdd(user, SKU, 1));
  const { body } = succeeded("checkout", await shop.tryCheckout(user));
  const order = body["order_id"] as number;
  succeeded("pay", await shop.tryPay(order));
  expect(await shop.status(order)).toBe("payed");
  return order;
}

function succeeded(step: string, answer: Answer): Answer {
  expect(answer.status, `${step}: ${answer.text}`).toBe(200);
  return answer;
}
