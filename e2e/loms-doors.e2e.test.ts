import { beforeAll, describe, expect, inject, test } from "vitest";
import { lomsDoors, type LomsMethod } from "./loms-doors.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { create, tryCreate, pay, cancel, status, stock } = shopAt(shop);

const SKU = 1_005;
/** 100 in total and 101 reserved. */
const SKU_RESERVED_OVER_TOTAL = 139_818_428;
const SKU_WITHOUT_STOCK_ROW = 5_097_510;
const INT64_MAX = "9223372036854775807";
const user = newUser();

interface Orders {
  awaiting: number;
  payed: number;
  cancelled: number;
  failed: number;
}

/** In the state that its name says; the rows change none of them. */
const orders: Orders = { awaiting: 0, payed: 0, cancelled: 0, failed: 0 };

beforeAll(async () => {
  orders.awaiting = await create(user, SKU, 2);
  orders.payed = await create(user, SKU, 3);
  await pay(orders.payed);
  orders.cancelled = await create(user, SKU, 4);
  await cancel(orders.cancelled);
  const refused = await tryCreate(user, [{ sku: SKU_WITHOUT_STOCK_ROW, count: 1 }]);
  orders.failed = refused.body["order_id"] as number;
});

interface Row {
  readonly method: LomsMethod;
  readonly request: string | ((state: Orders) => string);
  readonly code: string;
  readonly response?: string;
  /** Paths of the broken rules. */
  readonly paths?: readonly string[];
}

const item = (sku: unknown, count: unknown) => `{"sku":${sku},"count":${count}}`;
const order = (...lines: string[]) => `{"user":1,"items":[${lines.join(",")}]}`;
const orderId = (state: keyof Orders) => (given: Orders) => `{"orderID":${given[state]}}`;
const refused = (method: LomsMethod, request: string, ...paths: string[]): Row => ({
  method,
  request,
  code: "invalid_argument",
  paths,
});

const rows: readonly Row[] = [
  refused("OrderCreate", `{"user":0,"items":[${item(SKU, 1)}]}`, "user"),
  refused("OrderCreate", `{"user":-1,"items":[${item(SKU, 1)}]}`, "user"),
  refused("OrderCreate", `{"items":[${item(SKU, 1)}]}`, "user"),
  refused("OrderCreate", order(item(0, 1)), "items.0.sku"),
  refused("OrderCreate", order(item(SKU, 0)), "items.0.count"),
  refused("OrderCreate", order(item(SKU, 65_536)), "items.0.count"),
  refused("OrderCreate", order(item(SKU, 1), item(0, 0)), "items.1.sku", "items.1.count"),
  refused("OrderCreate", order(), "items"),
  refused("OrderCreate", order(...Array<string>(1_001).fill(item(SKU, 1))), "items"),
  refused("OrderCreate", order(item(SKU, 65_535), item(SKU, 1)), "items"),
  refused("OrderInfo", `{"orderID":0}`, "orderID"),
  refused("OrderInfo", `{}`, "orderID"),
  refused("OrderPay", `{"orderID":-1}`, "orderID"),
  refused("OrderCancel", `{"orderID":0}`, "orderID"),
  refused("StocksInfo", `{"sku":0}`, "sku"),
  { method: "OrderInfo", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderPay", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderCancel", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderPay", request: orderId("payed"), code: "ok", response: "{}" },
  { method: "OrderPay", request: orderId("cancelled"), code: "failed_precondition" },
  { method: "OrderPay", request: orderId("failed"), code: "failed_precondition" },
  { method: "OrderCancel", request: orderId("cancelled"), code: "ok", response: "{}" },
  { method: "OrderCancel", request: orderId("payed"), code: "failed_precondition" },
  { method: "OrderCancel", request: orderId("failed"), code: "failed_precondition" },
  {
    method: "OrderInfo",
    request: orderId("awaiting"),
    code: "ok",
    response: `{"status":"awaiting payment","user":${user},"items":[${item(SKU, 2)}]}`,
  },
  {
    method: "OrderInfo",
    request: orderId("failed"),
    code: "ok",
    response: `{"status":"failed","user":${user},"items":[${item(SKU_WITHOUT_STOCK_ROW, 1)}]}`,
  },
  { method: "StocksInfo", request: `{"sku":${SKU_WITHOUT_STOCK_ROW}}`, code: "not_found" },
  { method: "StocksInfo", request: `{"sku":4294967295}`, code: "not_found" },
  {
    method: "StocksInfo",
    request: `{"sku":${SKU_RESERVED_OVER_TOTAL}}`,
    code: "ok",
    response: `{"count":0}`,
  },
];

const titled = rows.map((row) => {
  const shown = typeof row.request === "string" ? row.request.slice(0, 60) : row.request({
    awaiting: "awaiting",
    payed: "payed",
    cancelled: "cancelled",
    failed: "failed",
  } as never);
  return { ...row, title: `${row.method} ${shown}` };
});

describe.each(lomsDoors(shop))("$name", (door) => {
  test.each(titled)("answers $title with $code", async (row) => {
    const request = typeof row.request === "string" ? row.request : row.request(orders);
    const outcome = await door.call(row.method, request);
    expect(outcome.code, outcome.message).toBe(row.code);
    if (row.response !== undefined) expect(outcome.response).toBe(row.response);
    if (row.paths) expect(outcome.paths).toEqual(row.paths);
  });

  test("OrderCreate sums lines of one SKU, and OrderInfo lists them ascending", async () => {
    const lines = [item(1_004, 2), item(1_003, 1), item(1_004, 3)];
    const created = await door.call("OrderCreate", order(...lines));
    expect(created.response).toMatch(/^\{"orderID":[1-9][0-9]*\}$/);
    const info = await door.call("OrderInfo", created.response);
    expect(info.response).toBe(
      `{"status":"awaiting payment","user":1,"items":[${item(1_003, 1)},${item(1_004, 5)}]}`,
    );
    await door.call("OrderCancel", created.response);
  });

  test("an order changes its status and the stock as it is payed and cancelled", async () => {
    const before = await stock(SKU);
    const payed = (await door.call("OrderCreate", order(item(SKU, 2)))).response;
    const cancelled = (await door.call("OrderCreate", order(item(SKU, 3)))).response;
    expect(await stock(SKU)).toBe(before - 5);
    expect((await door.call("OrderPay", payed)).code).toBe("ok");
    expect(await stock(SKU), "what is payed was reserved before").toBe(before - 5);
    expect((await door.call("OrderCancel", cancelled)).code).toBe("ok");
    expect(await stock(SKU)).toBe(before - 2);
    expect((await door.call("OrderInfo", payed)).response).toContain(`"payed"`);
    expect((await door.call("OrderInfo", cancelled)).response).toContain(`"cancelled"`);
  });

  test("an order that is short names its SKUs, reserves nothing and is kept as failed", async () => {
    const before = await stock(SKU);
    const lines = [
      item(SKU, 1),
      item(SKU_RESERVED_OVER_TOTAL, 2),
      item(SKU_WITHOUT_STOCK_ROW, 3),
    ];
    const outcome = await door.call("OrderCreate", order(...lines));
    expect(outcome.code).toBe("failed_precondition");
    expect(outcome.shortage?.skus).toEqual([
      { sku: SKU_WITHOUT_STOCK_ROW, requested: 3, available: 0 },
      { sku: SKU_RESERVED_OVER_TOTAL, requested: 2, available: 0 },
    ]);
    expect(outcome.shortage?.skusTotal).toBe(2);
    expect(outcome.message).toContain(String(outcome.shortage?.orderId));
    expect(await stock(SKU)).toBe(before);
    expect(await status(outcome.shortage?.orderId as number)).toBe("failed");
  });

  test("an order short of a thousand SKUs tells of twenty and how many there are", async () => {
    const lines = Array.from({ length: 1_000 }, (_, index) => item(4_000_000_000 + index, 1));
    const outcome = await door.call("OrderCreate", order(...lines));
    expect(outcome.code).toBe("failed_precondition");
    expect(outcome.shortage?.skus).toHaveLength(20);
    expect(outcome.shortage?.skusTotal).toBe(1_000);
    expect(new TextEncoder().encode(outcome.message).byteLength).toBeLessThan(1_024);
  });

  test("an int64 user keeps every digit", async () => {
    const big = "9007199254740993";
    const request = `{"user":${big},"items":[${item(1_002, 1)}]}`;
    const created = await door.call("OrderCreate", request);
    const info = await door.call("OrderInfo", created.response);
    expect(info.response).toContain(`"user":${big}`);
    await door.call("OrderCancel", created.response);
  });

  test("a refused OrderCreate makes no order", async () => {
    const first = await create(user, SKU, 1);
    await door.call("OrderCreate", order(item(SKU, 0)));
    await door.call("OrderCreate", order(item(SKU, 65_535), item(SKU, 1)));
    const second = await create(user, SKU, 1);
    expect(second).toBe(first + 1);
    await cancel(first);
    await cancel(second);
  });
});
