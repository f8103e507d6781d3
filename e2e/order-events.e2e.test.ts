import { expect, inject, test } from "vitest";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { grpcCall } from "./grpc.ts";
import { expectNotifications, linesOf, type Notification } from "./notifications.ts";
import { TRACE_ID, TRACEPARENT } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { loms = "", lomsGrpc } = shop.urls;
const actions = shopAt(shop);
const { add, create, tryCheckout, pay, cancel, tryCreate, tryPay, tryCancel } = actions;
const SKU = 3_596_599;
const ORDERS = 40;

function newTrace(): { readonly traceId: string; readonly traceparent: string } {
  const traceId = crypto.randomUUID().replaceAll("-", "");
  return { traceId, traceparent: TRACEPARENT.replace(TRACE_ID, traceId) };
}

test("a notification is one JSON line with order, user, status and time", async () => {
  const user = newUser();
  const startedAt = Date.now();
  const order = await create(user, SKU, 1);
  await cancel(order);
  const shown = await expectNotifications(shop, order, ["new", "awaiting payment", "cancelled"]);
  expect(shown.map(({ reason }) => reason)).toEqual([undefined, undefined, "buyer"]);
  for (const line of shown) {
    expect(line).toMatchObject({ service: "notifier", order_id: order, user_id: user });
    expect(line.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(Math.abs(Date.parse(line.at) - startedAt)).toBeLessThan(30_000);
  }
});

test("the events of concurrent orders are complete and in order", async () => {
  const finals = ["payed", "cancelled", "awaiting payment"] as const;
  const orders = await Promise.all(
    Array.from({ length: ORDERS }, async (_, index) => {
      const order = await create(newUser(), SKU, 1);
      const final = finals[index % finals.length];
      if (final === "payed") await pay(order);
      if (final === "cancelled") await cancel(order);
      return { order, final };
    }),
  );
  for (const { order, final } of orders) {
    const last = final === "awaiting payment" ? [] : [final as string];
    await expectNotifications(shop, order, ["new", "awaiting payment", ...last]);
  }
});

test("a call that changes nothing causes no event", async () => {
  const order = await create(newUser(), SKU, 1);
  await pay(order);
  await tryPay(order);
  await tryCancel(order);
  const key = { "idempotency-key": "reported once" };
  const user = newUser();
  const items = [{ sku: SKU, count: 1 }];
  const repeated = await tryCreate(user, items, key);
  await tryCreate(user, items, key);
  const invalid = await tryCreate(user, [{ sku: SKU, count: 0 }]);
  expect(invalid.status).toBe(400);
  // Events are published in order of commit: when this one is shown, the others would be.
  const marker = await create(newUser(), SKU, 1);
  await expectNotifications(shop, marker, ["new", "awaiting payment"]);
  await expectNotifications(shop, order, ["new", "awaiting payment", "payed"]);
  const id = repeated.body["orderID"] as number;
  await expectNotifications(shop, id, ["new", "awaiting payment"]);
});

test("a failed order has the events new and failed", async () => {
  const answer = await tryCreate(newUser(), [{ sku: 139_819_069, count: 1 }]);
  const order = answer.body["order_id"] as number;
  const shown = await expectNotifications(shop, order, ["new", "failed"]);
  expect(shown.map(({ reason }) => reason)).toEqual([undefined, "out_of_stock"]);
});

test("the trace of a checkout continues through loms and the bus to the notification", async () => {
  const { traceId, traceparent } = newTrace();
  const user = newUser();
  await add(user, SKU, 1);
  const answer = await tryCheckout(user, { traceparent });
  expect(answer.status, answer.text).toBe(200);
  const order = answer.body["order_id"] as number;
  const shown = await expectNotifications(shop, order, ["new", "awaiting payment"]);
  expect(shown.map((line) => line.trace_id)).toEqual([traceId, traceId]);
  const inLoms = await eventually(() => {
    const lines = (linesOf(shop, "loms") as Notification[])
      .filter((line) => line.trace_id === traceId);
    expect(lines).not.toEqual([]);
    return lines;
  });
  expect(inLoms, "one request, one log line").toHaveLength(1);
});

test("each event belongs to the trace of the request that caused it", async () => {
  const [created, payed] = [newTrace(), newTrace()];
  const body = { user: newUser(), items: [{ sku: SKU, count: 1 }] };
  const { traceparent } = created;
  const answer = await call(loms, "POST /v1/order/create", { body, headers: { traceparent } });
  const order = answer.body["orderID"] as number;
  await grpcCall(lomsGrpc, "loms.v1.Loms/OrderPay", `{"orderID":${order}}`, {
    headers: { traceparent: payed.traceparent },
  });
  const shown = await expectNotifications(shop, order, ["new", "awaiting payment", "payed"]);
  expect(shown.map((line) => line.trace_id))
    .toEqual([created.traceId, created.traceId, payed.traceId]);
});

test("the notifier writes no other line for an event", async () => {
  const { traceId, traceparent } = newTrace();
  const body = { user: newUser(), items: [{ sku: SKU, count: 1 }] };
  const answer = await call(loms, "POST /v1/order/create", { body, headers: { traceparent } });
  await expectNotifications(shop, answer.body["orderID"] as number, ["new", "awaiting payment"]);
  const lines = (linesOf(shop, "notifier") as Notification[])
    .filter((line) => line.trace_id === traceId);
  expect(lines).toHaveLength(2);
});
