import postgres from "postgres";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { startAlone } from "./alone.ts";
import { settingsBeside } from "./beside.ts";
import { eventually } from "./eventually.ts";
import { grpcCall } from "./grpc.ts";
import { hold } from "./hold.ts";
import { call } from "./http.ts";
import { expectNotifications } from "./notifications.ts";
import { expectInvariants, startOwnStack } from "./own-stack.ts";
import { expectProblem } from "./problems.ts";
import { type Shop, shopAt } from "./shop.ts";
import { underLoad } from "./under-load.ts";
import { newUser } from "./users.ts";

const SKU = 1_625_903;

const lomsOf = ({ urls }: Stack) => urls.loms ?? "";
const readyz = (stack: Stack) => call(lomsOf(stack), "GET /readyz");

/** Of grpc.health.v1: 1 is SERVING, 2 is NOT_SERVING. */
async function grpcHealth({ urls }: Stack, service: string): Promise<number> {
  const request = JSON.stringify({ service });
  const { body } = await grpcCall(urls.lomsGrpc, "grpc.health.v1.Health/Check", request);
  return ["UNKNOWN", "SERVING", "NOT_SERVING"].indexOf(String(body["status"]));
}

async function stateOf(stack: Stack): Promise<string | undefined> {
  const { text } = await call(lomsOf(stack), "GET /metrics");
  return /^db_replication_state\{state="(\w+)"\} 1$/m.exec(text)?.[1];
}

const until = (stack: Stack, state: string) =>
  eventually(async () => expect(await stateOf(stack)).toBe(state));

const STOCK_ROW = `select from stocks where sku = ${SKU} for update`;
const rowOf = (order: number) => `select from orders where order_id = ${order} for update`;

/** Waits until a payment that was sent, and whose outcome was unknown, has been carried out. */
const untilPayed = (shop: Shop, order: number) =>
  eventually(async () => expect(await shop.status(order)).toBe("payed"));

/** A frozen standby keeps its connection and applies nothing; a killed one disconnects. */
const accidents = ["pause", "kill"] as const;

async function bringBack(stack: Stack, accident: (typeof accidents)[number]): Promise<void> {
  if (accident === "pause") stack.resume("standby1");
  else await stack.restart("standby1");
  await until(stack, "synchronous");
}

describe("SYNC_REPLICA_POLICY=strict", () => {
  let stack: Stack;
  let shop: Shop;
  beforeAll(async () => {
    stack = await startOwnStack();
    shop = shopAt(stack);
  });
  afterAll(() => stack.close());

  test.each(accidents)(
    "a standby lost by %s: writes are unavailable, reads continue, its return settles all",
    async (accident) => {
      const [user, other] = [newUser(), newUser()];
      await shop.add(user, SKU, 2);
      const before = await shop.create(other, SKU, 1);
      const stock = await shop.stock(SKU);
      const key = { "idempotency-key": `lost by ${accident}` };
      const items = [{ sku: SKU, count: 1 }];

      await stack[accident]("standby1");
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, () => shop.tryPay(before)),
        shop.tryCreate(other, items, key),
        shop.tryCheckout(user),
      ]);
      for (const answer of answers) expectProblem(answer, 503);

      await until(stack, "refusing");
      const create = await shop.tryCreate(other, items);
      expectProblem(create, 503);
      expect(create.body["detail"]).toMatch(/^order_create is refused: /);
      const cancel = await grpcCall(
        stack.urls.lomsGrpc,
        "loms.v1.Loms/OrderCancel",
        `{"orderID":${before}}`,
      );
      expect([cancel.code, cancel.message]).toEqual([
        14,
        expect.stringMatching(/^order_change is refused: /),
      ]);
      expect(await shop.status(before), "reads are answered").toMatch(/awaiting payment|payed/);
      // A replica that has disconnected is a reason by itself until a probe has waited for it.
      await eventually(async () => {
        const ready = await readyz(stack);
        expect([ready.status, ready.body]).toMatchObject([503, {
          reasons: { replica: expect.stringContaining("confirmed no commit") },
        }]);
      });
      for (const [part, status] of Object.entries({ "": 2, replica: 2, database: 1 })) {
        await eventually(async () => expect(await grpcHealth(stack, part), part).toBe(status));
      }

      await bringBack(stack, accident);
      expect((await readyz(stack)).status).toBe(200);
      // The first payments may have been sent, or refused before. A repetition settles it.
      expect((await shop.tryPay(before)).status).toBe(200);
      expect(await shop.status(before)).toBe("payed");
      const settled = await shop.tryCreate(other, items, key);
      expect(settled.status, settled.text).toBe(200);
      const checkout = await shop.checkout(user);
      expect(await shop.inCart(user)).toEqual({});
      expect(await shop.stock(SKU), "each of the two exactly once").toBe(stock - 3);
      await expectNotifications(stack, checkout, ["new", "awaiting payment"]);
      await expectNotifications(stack, before, ["new", "awaiting payment", "payed"]);
    },
  );

  test("a wait that an administrator cancels is a failure, and its repetition waits", async () => {
    const user = newUser();
    const key = { "idempotency-key": "cancelled wait" };
    const items = [{ sku: SKU, count: 1 }];
    const admin = postgres(stack.databases.loms, { max: 1 });
    const stock = await hold(stack.databases.loms, STOCK_ROW);
    try {
      const first = shop.tryCreate(user, items, key);
      await stock.blocks("order_create");
      stack.pause("standby1");
      await stock.release();
      await eventually(async () => {
        const cancelled = await admin`select pg_cancel_backend(pid) from pg_stat_activity
          where wait_event = 'SyncRep' and query like '%order_create%'`;
        expect(cancelled).toHaveLength(1);
      });
      expectProblem(await first, 503);
      const again = await shop.tryCreate(user, items, key);
      expectProblem(again, 503);
    } finally {
      stack.resume("standby1");
      await admin.end();
    }
    await until(stack, "synchronous");
    const settled = await shop.tryCreate(user, items, key);
    expect(settled.status, settled.text).toBe(200);
    expect(await shop.status(settled.body["orderID"] as number)).toBe("awaiting payment");
  });

  test("loms stops within its grace period while commits wait", async () => {
    const { settings, url } = await settingsBeside("loms", stack);
    const alone = await startAlone("loms", settings, url);
    const there = shopAt({ urls: { ...stack.urls, loms: url } });
    const order = await there.create(newUser(), SKU, 1);
    const row = await hold(stack.databases.loms, rowOf(order));
    try {
      // More writes than loms has connections.
      const pays = Array.from({ length: 20 }, () => there.tryPay(order));
      await row.blocks("order_change");
      stack.pause("standby1");
      await row.release();
      await Promise.all(pays);
      alone.signal("SIGTERM");
      expect(await alone.ended, alone.output()).toBe("exit code 0");
    } finally {
      stack.resume("standby1");
    }
    await until(stack, "synchronous");
    await untilPayed(shop, order);
  });
});

describe("SYNC_REPLICA_POLICY=degrade", () => {
  let stack: Stack;
  let shop: Shop;
  beforeAll(async () => {
    stack = await startOwnStack({
      environment: { SYNC_REPLICA_POLICY: "degrade", SYNC_REPLICA_DEGRADE_AFTER: "4s" },
    });
    shop = shopAt(stack);
  });
  afterAll(() => stack.close());

  test.each(accidents)(
    "a standby lost by %s: orders continue without it, logged, and with it again later",
    async (accident) => {
      const waiting = await shop.create(newUser(), SKU, 1);
      const row = await hold(stack.databases.loms, rowOf(waiting));
      const pay = shop.tryPay(waiting);
      await row.blocks("order_change");
      await stack[accident]("standby1");
      await row.release();
      expect([503, 504]).toContain((await pay).status);
      await until(stack, "degraded");
      // Its wait was ended.
      await untilPayed(shop, waiting);
      const order = await shop.create(newUser(), SKU, 1);
      await shop.pay(order);
      expect(await shop.status(order), "read where it was written").toBe("payed");
      await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
      const ready = await readyz(stack);
      expect([ready.status, ready.body]).toMatchObject([200, {
        warnings: { replica: expect.stringContaining("primary alone") },
      }]);

      await bringBack(stack, accident);
      expect((await readyz(stack)).body).toEqual({ status: "ready" });
      const replica = postgres(stack.databases.lomsReplicas[0] ?? "", { max: 1 });
      const next = await shop.create(newUser(), SKU, 1);
      const found =
        await replica`select order_id::int from orders where order_id in (${order}, ${next})`;
      await replica.end();
      expect(found.map((row) => row["order_id"] as number).toSorted(), "caught up").toEqual([
        order,
        next,
      ]);
    },
  );
});

describe("a promoted standby", () => {
  let stack: Stack;
  /** To check the promoted standby; the log of notifications belongs to the dead primary. */
  const subject = {
    get primaryUrl() {
      return stack.databases.lomsReplicas[0] ?? "";
    },
    replicaUrls: [],
    notifierLogs: [],
  };
  beforeAll(async () => {
    stack = await startOwnStack({}, subject);
  });
  afterEach(() => stack.close());

  test("has every acknowledged order, and a loms that uses it sells", async () => {
    const shop = shopAt(stack);
    const acknowledged = new Set<number>();
    const payed = new Set<number>();
    const buyOn = async (isOpen: () => boolean) => {
      while (isOpen()) {
        const created = await shop.tryCreate(newUser(), [{ sku: SKU, count: 1 }]);
        if (created.status !== 200) continue;
        const order = created.body["orderID"] as number;
        acknowledged.add(order);
        if ((await shop.tryPay(order)).status === 200) payed.add(order);
      }
    };
    const buyers = (isOpen: () => boolean) =>
      Promise.all(Array.from({ length: 16 }, () => buyOn(isOpen)));
    await underLoad(buyers, async () => {
      await eventually(() => expect(payed.size).toBeGreaterThan(100));
      await stack.kill("primary");
    });
    await stack.kill("loms");

    const { settings, url } = await settingsBeside("loms", stack);
    const promoted = subject.primaryUrl;
    const admin = postgres(promoted, { max: 1 });
    await admin`select pg_promote()`;
    // The promoted standby has no replica.
    await admin.unsafe("alter system set synchronous_standby_names = ''");
    await admin`select pg_reload_conf()`;
    await admin.end();
    const alone = await startAlone("loms", {
      ...settings,
      DATABASE_URL: promoted,
      DATABASE_REPLICA_URLS: "",
      BUS_DATABASE_URL: inDatabase(promoted, "bus"),
    }, url);
    const there = shopAt({ urls: { ...stack.urls, loms: url } });
    for (const order of acknowledged) {
      expect([order, await there.status(order)]).toEqual([
        order,
        payed.has(order) ? "payed" : expect.stringMatching(/awaiting payment|payed/),
      ]);
    }
    await there.pay(await there.create(newUser(), SKU, 1));
    await expectInvariants(subject);
    alone.signal("SIGTERM");
    expect(await alone.ended, alone.output()).toBe("exit code 0");
  });
});

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
}
