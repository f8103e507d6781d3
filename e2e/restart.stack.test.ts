import { connect } from "node:net";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { allOn } from "../stack/services.ts";
import { type Stack, startStack } from "../stack/start.ts";
import { expectNotifications, notificationsOf } from "./notifications.ts";
import { newDataDirectory, removeDirectory } from "./own-stack.ts";
import { suiteRuntime } from "./runtime.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 4_288_068;
const dataDirectory = newDataDirectory();
afterAll(() => removeDirectory(dataDirectory));

/** The available units of each SKU in a new shop: total less reserved, at least 0. */
const NEW_STOCK: Readonly<Record<number, number>> = {
  ...{ 1076963: 265, 1148162: 300, 1625903: 10000, 2618151: 300, 2956315: 270, 2958025: 300 },
  ...{ 3596599: 300, 3618852: 300, 4288068: 300, 4465995: 300, 30816475: 300, 135717466: 80 },
  ...{ 135937324: 270, 139275865: 65534, 139818428: 0, 139819069: 0, 773297411: 140 },
  ...{ 1002: 180, 1003: 220, 1004: 260, 1005: 300 },
};

const runtimes = allOn(suiteRuntime());

/** A stack that is closed with its test, if the test has not closed it. */
async function start(): Promise<Stack> {
  const stack = await startStack({ dataDirectory, ports: "free", durable: false, runtimes });
  onTestFinished(() => stack.close());
  return stack;
}

function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

test("a restart keeps orders and stock, delivers missing events, and repeats none", async () => {
  const first = await start();
  const shop = shopAt(first);
  for (const [sku, count] of Object.entries(NEW_STOCK)) {
    expect([sku, await shop.stock(Number(sku))]).toEqual([sku, count]);
  }
  const payed = await shop.create(newUser(), SKU, 2);
  await shop.pay(payed);
  await expectNotifications(first, payed, ["new", "awaiting payment", "payed"]);
  await first.kill("notifier");
  const undelivered = await shop.create(newUser(), SKU, 3);
  const stock = await shop.stock(SKU);
  await expect(start(), "one stack on a directory").rejects.toThrow(/already runs/);
  await first.close();
  const addresses = [first.urls.cart, first.urls.loms ?? "", first.databases.loms];
  expect(await Promise.all(addresses.map(isListening))).toEqual([false, false, false]);

  const second = await start();
  const again = shopAt(second);
  expect(await again.status(payed)).toBe("payed");
  expect(await again.status(undelivered)).toBe("awaiting payment");
  expect(await again.stock(SKU)).toBe(stock);
  await expectNotifications(second, undelivered, ["new", "awaiting payment"]);
  await again.cancel(undelivered);
  await expectNotifications(second, undelivered, ["new", "awaiting payment", "cancelled"]);
  expect(notificationsOf(second, payed)).toHaveLength(3);
  expect(await again.create(newUser(), SKU, 1)).toBeGreaterThan(undelivered);
});
