import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../shared/async/request-context.ts";
import { freePorts } from "../stack/ports.ts";
import { Launcher } from "./crash-test/launcher.ts";
import { Ledger } from "./crash-test/ledger.ts";
import { startLoad } from "./crash-test/load.ts";
import { Random } from "./crash-test/random.ts";
import { openStockTransport } from "./crash-test/stock-transport.ts";
import { openTransports } from "./crash-test/transports.ts";
import { eventually } from "./eventually.ts";
import { hold } from "./hold.ts";
import { expectNotifications } from "./notifications.ts";
import { expectInvariants, newDataDirectory, removeDirectory, subjectOf } from "./own-stack.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const PAYMENT_TIMEOUT_MS = 4_000;
const SKU = 773_297_411;
const BUYERS = 3;
/** Files of the data directory that show the steps of a start. */
const STEPS = [
  ["launcher.json"],
  ["postgres/primary.new", "postgres/primary"],
  ["postgres/primary"],
  ["postgres/primary/postmaster.pid"],
  ["logs/cart.log"],
];

const dataDirectory = newDataDirectory();
const ended: string[] = [];
let launcher: Launcher;

beforeAll(async () => {
  const names = [
    ...["CART_HTTP", "LOMS_HTTP", "LOMS_GRPC", "LOMS_ADMIN"],
    ...["NOTIFIER_HTTP", "PRODUCTS_HTTP"],
  ];
  const ports = await freePorts(names.length);
  launcher = new Launcher({
    dataDirectory,
    environment: {
      ...Object.fromEntries(names.map((name, index) => [name, `127.0.0.1:${ports[index]}`])),
      ORDER_PAYMENT_TIMEOUT: `${PAYMENT_TIMEOUT_MS}ms`,
    },
    onEnd: (part) => ended.push(part),
  });
});
afterAll(async () => {
  await launcher.close();
  removeDirectory(dataDirectory);
});

test(
  "a launcher killed at any step of its start leaves a directory that the next one starts on",
  async () => {
    for (const files of STEPS) {
      const start = launcher.start().catch(() => {});
      await eventually(() => {
        expect(files.some((file) => existsSync(join(dataDirectory, file)))).toBe(true);
      });
      await launcher.killLauncher();
      await start;
    }
    await launcher.start();
    const shop = shopAt(launcher.facts);
    expect(await shop.status(await shop.create(newUser(), SKU, 1))).toBe("awaiting payment");
  },
  240_000,
);

test(
  "after a launcher is killed under load, the next start settles events and stock",
  async () => {
    const { urls, databases } = launcher.facts;
    const { cart, loms = "", lomsGrpc, lomsAdmin = "" } = urls;
    const ledger = new Ledger();
    const transports = openTransports({ cart, loms, lomsGrpc });
    const options = {
      transports,
      stock: openStockTransport(lomsAdmin),
      ledger,
      clock: systemClock,
      paymentTimeoutMs: PAYMENT_TIMEOUT_MS,
    };
    const load = startLoad(options, new Random(2), BUYERS);
    const shop = shopAt(launcher.facts);
    const before = await shop.stock(SKU);
    await ledger.more(20);

    const bus = await hold(databases.bus, "lock table pgboss.job in exclusive mode");
    const orders = await Promise.all(
      Array.from({ length: 5 }, () => shop.create(newUser(), SKU, 2)),
    );
    await launcher.killLauncher();
    ledger.cartsDied();
    await bus.release();
    await launcher.start();
    await ledger.more(20);
    await load.stop();
    transports.close();

    for (const order of orders) {
      await expectNotifications(launcher.facts, order, ["new", "awaiting payment", "cancelled"]);
    }
    await eventually(async () => expect(await shop.stock(SKU)).toBeGreaterThanOrEqual(before));
    expect([ledger.lost, ledger.doubled, ledger.strange, ended]).toEqual([[], [], [], []]);
    await expectInvariants({
      ...subjectOf(launcher.facts),
      acknowledged: ledger.orders,
      acknowledgedChanges: ledger.stockChanges,
    });
  },
  240_000,
);
