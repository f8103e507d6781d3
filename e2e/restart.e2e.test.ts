import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import { startStack } from "../stack/start.ts";
import { expectNotifications, notificationsOf } from "./notifications.ts";
import { newDataDirectory, removeDirectory } from "./own-stack.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 4_288_068;
const dataDirectory = newDataDirectory();
afterAll(() => removeDirectory(dataDirectory));

const start = () => startStack({ dataDirectory, ports: "free", durable: false });

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

test("a restart keeps orders and stock, delivers what was not told, and repeats nothing", async () => {
  const first = await start();
  const shop = shopAt(first);
  const payed = await shop.create(newUser(), SKU, 2);
  await shop.pay(payed);
  await expectNotifications(first, payed, ["new", "awaiting payment", "payed"]);
  await first.kill("notifier");
  const untold = await shop.create(newUser(), SKU, 3);
  const stock = await shop.stock(SKU);
  await expect(start(), "one stack on a directory").rejects.toThrow(/already runs/);
  await first.close();
  const addresses = [first.urls.cart, first.urls.loms ?? "", first.databases.loms];
  expect(await Promise.all(addresses.map(isListening))).toEqual([false, false, false]);

  const second = await start();
  try {
    const again = shopAt(second);
    expect(await again.status(payed)).toBe("payed");
    expect(await again.status(untold)).toBe("awaiting payment");
    expect(await again.stock(SKU)).toBe(stock);
    await expectNotifications(second, untold, ["new", "awaiting payment"]);
    await again.cancel(untold);
    await expectNotifications(second, untold, ["new", "awaiting payment", "cancelled"]);
    expect(notificationsOf(second, payed)).toHaveLength(3);
    expect(await again.create(newUser(), SKU, 1)).toBeGreaterThan(untold);
  } finally {
    await second.close();
  }
});
