import { afterAll, beforeAll, expect, test } from "vitest";
import { openAdmin } from "../stack/postgres/admin.ts";
import type { Stack } from "../stack/start.ts";
import { type Beside, startBeside } from "./beside.ts";
import { expectCancelledInTime } from "./cancelled-in-time.ts";
import { eventually } from "./eventually.ts";
import { grpcCall } from "./grpc.ts";
import { expectNotifications } from "./notifications.ts";
import { startOwnStack } from "./own-stack.ts";
import { type Shop, shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 1_625_903;
/** No other test here changes its stock. */
const UNPAID_SKU = 4_465_995;
const PAYMENT_TIMEOUT_MS = 3_000;
const MADE = ["new", "awaiting payment"];

let stack: Stack;
let second: Beside;
/** The same shop through each of the two processes. */
let transports: readonly [Shop, Shop];

const environment = { ORDER_PAYMENT_TIMEOUT: `${PAYMENT_TIMEOUT_MS}ms` };
const startSecond = () => startBeside("loms", stack, environment);
const through = (loms: string) => shopAt({ urls: { ...stack.urls, loms } });

beforeAll(async () => {
  stack = await startOwnStack({ environment });
  second = await startSecond();
  transports = [shopAt(stack), through(second.url)];
});
afterAll(async () => {
  await second.close();
  await stack.close();
});

test("three that start together on an empty database all serve, with one stock", async () => {
  const inDatabase = (url: string, name: string) => {
    const changed = new URL(url);
    changed.pathname = name;
    return changed.href;
  };
  const [name, bus] = ["loms_new", "bus_new"];
  const admin = openAdmin(inDatabase(stack.databases.loms, "postgres"));
  for (const each of [name, bus]) await admin.createDatabase(each);
  const changed = {
    DATABASE_URL: inDatabase(stack.databases.loms, name),
    DATABASE_REPLICA_URLS: stack.databases.lomsReplicas.map((url) => inDatabase(url, name)).join(),
    BUS_DATABASE_URL: inDatabase(stack.databases.bus, bus),
  };
  const fresh = await Promise.all(
    Array.from({ length: 3 }, () => startBeside("loms", stack, changed)),
  );
  const shops = fresh.map(({ url }) => through(url));
  const orders = await Promise.all(shops.map((shop) => shop.create(newUser(), SKU, 1)));
  expect(new Set(orders).size).toBe(3);
  for (const shop of shops) {
    expect(await shop.stock(SKU)).toBe(10_000 - 3);
    for (const order of orders) expect(await shop.status(order)).toBe("awaiting payment");
  }
  await Promise.all(fresh.map((each) => each.close()));
  for (const each of [name, bus]) await admin.dropDatabase(each);
  await admin.close();
});

test("one key at both processes is one order with one answer, also a refusal", async () => {
  const user = newUser();
  const keys = Array.from({ length: 30 }, (_, index) => `both at once ${index}`);
  const orders = await Promise.all(keys.map(async (key) => {
    const items = [{ sku: SKU, count: 1 }];
    const answers = await Promise.all(
      [...transports, ...transports].map((shop) =>
        shop.tryCreate(user, items, { "idempotency-key": key })
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status, answers[0]?.text).toBe(200);
    return answers[0]?.body["orderID"];
  }));
  expect(new Set(orders).size).toBe(keys.length);

  const request = `{"user":${user},"items":[{"sku":1002,"count":60000}]}`;
  // In one trace, so that the responses are identical, their trace ids included.
  const headers = {
    "idempotency-key": "refused by both",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00`,
  };
  const refusals = await Promise.all(
    [stack.urls.lomsGrpc, second.grpc].map((address) =>
      grpcCall(address, "loms.v1.Loms/OrderCreate", request, { headers })
    ),
  );
  expect(refusals[0]?.code).toBe(9);
  expect(refusals[1]).toEqual(refusals[0]);
});

test("one of a payment at one process and a cancellation at the other succeeds", async () => {
  // Its orders are not overdue before they are payed.
  const patient = await startBeside("loms", stack);
  const { create } = through(patient.url);
  await Promise.all(Array.from({ length: 20 }, async () => {
    const order = await create(newUser(), SKU, 1);
    const [payed, cancelled] = await Promise.all([
      transports[0].tryPay(order),
      transports[1].tryCancel(order),
    ]);
    expect([payed.status, cancelled.status].toSorted()).toEqual([200, 412]);
    const final = payed.status === 200 ? "payed" : "cancelled";
    for (const shop of transports) expect(await shop.status(order)).toBe(final);
    await expectNotifications(stack, order, [...MADE, final]);
  }));
  await patient.close();
});

test("an unpaid order is cancelled once, and in time, by one of the processes", async () => {
  const before = await transports[0].stock(UNPAID_SKU);
  await expectCancelledInTime(stack, PAYMENT_TIMEOUT_MS, () =>
    Promise.all(
      Array.from(
        { length: 60 },
        (_, index) => (transports[index % 2] as Shop).create(newUser(), UNPAID_SKU, 1),
      ),
    ));
  expect(await transports[1].stock(UNPAID_SKU)).toBe(before);
});

test("after kill -9 of one the other takes over its events, deadlines and keys", async () => {
  const user = newUser();
  const items = [{ sku: SKU, count: 1 }];
  const creates = Array.from({ length: 40 }, (_, index) => {
    const headers = { "idempotency-key": `killed ${index}` };
    return transports[1].tryCreate(user, items, headers).catch(() => undefined);
  });
  await Promise.any(creates);
  second.process.signal("SIGKILL");
  expect(await second.process.ended).toBe("SIGKILL");
  const first = await Promise.all(creates);

  const orders = await Promise.all(first.map(async (answer, index) => {
    const headers = { "idempotency-key": `killed ${index}` };
    const again = await transports[0].tryCreate(user, items, headers);
    expect(again.status, again.text).toBe(200);
    if (answer?.status === 200) expect(again.text).toBe(answer.text);
    return again.body["orderID"] as number;
  }));
  expect(new Set(orders).size).toBe(creates.length);
  for (const order of orders) await expectNotifications(stack, order, [...MADE, "cancelled"]);

  second = await startSecond();
  transports = [transports[0], through(second.url)];
  const order = await transports[1].create(newUser(), SKU, 1);
  await eventually(async () => expect(await transports[0].status(order)).toBe("cancelled"));
});
