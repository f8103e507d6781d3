import { beforeAll, describe, expect, inject, test } from "vitest";
import { hold } from "./hold.ts";
import { type LomsMethod, lomsTransports, type Outcome } from "./loms-transports.ts";
import { TRACE_ID } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { create, tryCreate, pay, cancel, status, stock } = shopAt(shop);

const SKU = 1_005;
/** 100 in total and 101 reserved. */
const SKU_RESERVED_OVER_TOTAL = 139_818_428;
const SKU_WITHOUT_STOCK_ROW = 5_097_510;
/** No other file of the run sells it while this one locks its row. */
const SKU_HELD = 3_618_852;
const INT64_MAX = "9223372036854775807";
/** The first integer that a double cannot distinguish from its neighbour. */
const ABOVE_DOUBLES = "9007199254740993";
const transports = lomsTransports(shop);
const user = newUser();
/** Keys of different users are independent. */
const keyUser = newUser();

const NO_ORDERS = {
  awaiting: 0,
  payed: 0,
  cancelled: 0,
  failed: 0,
  toPay: 0,
  toCancel: 0,
  ofLastUser: 0,
};
type Orders = typeof NO_ORDERS;
/** Shown in titles instead of an id. */
const STATES = Object.fromEntries(
  Object.keys(NO_ORDERS).map((state) => [state, state]),
) as Record<keyof Orders, string>;

/** Orders by their state. The tests change only toPay and toCancel. */
const orders: Orders = { ...NO_ORDERS };

beforeAll(async () => {
  orders.awaiting = await create(user, SKU, 2);
  orders.payed = await create(user, SKU, 3);
  await pay(orders.payed);
  orders.cancelled = await create(user, SKU, 4);
  await cancel(orders.cancelled);
  const refused = await tryCreate(user, [{ sku: SKU_WITHOUT_STOCK_ROW, count: 1 }]);
  orders.failed = refused.body["order_id"] as number;
  orders.toPay = await create(user, SKU, 1);
  orders.toCancel = await create(user, SKU, 1);
  const ofLastUser = `{"user":${INT64_MAX},"items":[${item(SKU, 1)}]}`;
  const created = await transports[0]?.call("OrderCreate", ofLastUser);
  orders.ofLastUser = (JSON.parse(created?.response ?? "") as { orderID: number }).orderID;
  await tryCreate(keyUser, [{ sku: SKU, count: 2 }], { "idempotency-key": "taken" });
});

interface Row {
  readonly method: LomsMethod;
  readonly request: string | ((given: Record<keyof Orders, unknown>) => string);
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: string;
  readonly response?: string | RegExp;
  /** Paths of the broken rules. */
  readonly paths?: readonly string[];
}

const item = (sku: unknown, count: unknown) => `{"sku":${sku},"count":${count}}`;
const order = (...lines: string[]) => `{"user":1,"items":[${lines.join(",")}]}`;
const orderId = (state: keyof Orders) => (given: Record<keyof Orders, unknown>) =>
  `{"orderID":${given[state]}}`;
const keyed = (key: string, ...lines: string[]) => ({
  method: "OrderCreate" as const,
  request: `{"user":${keyUser},"items":[${lines.join(",")}]}`,
  headers: { "idempotency-key": key },
});
const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));
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
  refused("OrderCreate", order(...lines(1_001, () => item(SKU, 1))), "items"),
  refused("OrderCreate", order(item(SKU, 65_535), item(SKU, 1)), "items"),
  refused("OrderCreate", order(item(SKU, 4_294_967_295)), "items.0.count"),
  refused("OrderCreate", `{"user":-9223372036854775808,"items":[${item(SKU, 1)}]}`, "user"),
  refused(
    "OrderCreate",
    order(...lines(21, () => item(SKU, 0))),
    ...lines(20, (index) => `items.${index}.count`),
  ),
  { ...keyed("", item(SKU, 1)), code: "invalid_argument", paths: ["idempotency-key"] },
  { ...keyed("k".repeat(256), item(SKU, 1)), code: "invalid_argument", paths: ["idempotency-key"] },
  { ...keyed("taken", item(SKU, 3)), code: "already_exists" },
  // One transport gets the first answer, the other the repeated one.
  { ...keyed("sold", item(SKU, 1), item(SKU, 1)), code: "ok", response: /^{"orderID":[0-9]+}$/ },
  {
    ...keyed("short", item(SKU, 1), item(SKU_RESERVED_OVER_TOTAL, 2)),
    code: "failed_precondition",
  },
  {
    ...keyed("short of all", ...lines(30, (index) => item(4_000_000_000 + index, 1))),
    code: "failed_precondition",
  },
  refused("OrderInfo", `{"orderID":0}`, "orderID"),
  refused("OrderInfo", `{}`, "orderID"),
  refused("OrderPay", `{"orderID":-1}`, "orderID"),
  refused("OrderCancel", `{"orderID":0}`, "orderID"),
  refused("StocksInfo", `{"sku":0}`, "sku"),
  refused("StocksInfoList", `{"skus":[]}`, "skus"),
  refused("StocksInfoList", `{"skus":[1,0]}`, "skus.1"),
  refused("StocksInfoList", `{"skus":[${lines(1001, (index) => String(index + 1))}]}`, "skus"),
  { method: "OrderInfo", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderInfo", request: `{"orderID":${ABOVE_DOUBLES}}`, code: "not_found" },
  { method: "OrderPay", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderCancel", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderPay", request: orderId("toPay"), code: "ok", response: "{}" },
  { method: "OrderCancel", request: orderId("toCancel"), code: "ok", response: "{}" },
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
    request: orderId("ofLastUser"),
    code: "ok",
    response: `{"status":"awaiting payment","user":${INT64_MAX},"items":[${item(SKU, 1)}]}`,
  },
  {
    method: "OrderInfo",
    request: orderId("failed"),
    code: "ok",
    response: /^\{"status":"failed",.*\],"reason":"out_of_stock"\}$/,
  },
  { method: "StocksInfo", request: `{"sku":${SKU_WITHOUT_STOCK_ROW}}`, code: "not_found" },
  { method: "StocksInfo", request: `{"sku":4294967295}`, code: "not_found" },
  {
    method: "StocksInfo",
    request: `{"sku":${SKU_RESERVED_OVER_TOTAL}}`,
    code: "ok",
    response: `{"count":0}`,
  },
  {
    method: "StocksInfoList",
    request: `{"skus":[${SKU_RESERVED_OVER_TOTAL},4294967295,${SKU_RESERVED_OVER_TOTAL}]}`,
    code: "ok",
    response: `{"items":[{"sku":${SKU_RESERVED_OVER_TOTAL},"count":0}]}`,
  },
  {
    method: "StocksInfoList",
    request: `{"skus":[${lines(1000, (index) => String(4_000_000_000 + index))}]}`,
    code: "ok",
    response: `{"items":[]}`,
  },
];

const titled = rows.map((row) => {
  const shown = typeof row.request === "string" ? row.request : row.request(STATES);
  const key = row.headers ? ` with key ${row.headers["idempotency-key"]?.slice(0, 20)}` : "";
  return { ...row, title: `${row.method} ${shown.slice(0, 60)}${key}` };
});

/** A missing field is 0 there. */
function asProtobufKnows(outcome: Outcome | undefined): Outcome {
  return JSON.parse(JSON.stringify(outcome).replaceAll("got nothing", "got 0")) as Outcome;
}

function expectRow(outcome: Outcome, { code, response, paths }: Row): void {
  expect(outcome.code, outcome.message).toBe(code);
  expect(outcome.traceId).toBe(code === "ok" ? undefined : TRACE_ID);
  if (response instanceof RegExp) expect(outcome.response).toMatch(response);
  else if (response !== undefined) expect(outcome.response).toBe(response);
  if (paths) expect(outcome.violations.map(({ path }) => path)).toEqual(paths);
}

test.each(titled)(
  "both transports answer $title with $code and the same details",
  async (row) => {
    const request = typeof row.request === "string" ? row.request : row.request(orders);
    const [gateway, grpc] = await Promise.all(
      transports.map((transport) => transport.call(row.method, request, row.headers)),
    );
    expect(grpc).toEqual(asProtobufKnows(gateway));
    expectRow(gateway as Outcome, row);
  },
);

test("both transports end at the deadline, and a retry with the key settles it", async () => {
  const { request, headers } = keyed("held", item(SKU_HELD, 1));
  const create = () =>
    Promise.all(transports.map((transport) => transport.call("OrderCreate", request, headers)));
  const held = await hold(
    shop.databases.loms,
    `select from stocks where sku = ${SKU_HELD} for update`,
  );
  try {
    const [gateway, grpc] = await create();
    expect(gateway?.code, gateway?.message).toBe("deadline_exceeded");
    expect(grpc).toEqual(gateway);
  } finally {
    await held.release();
  }
  const [gateway, grpc] = await create();
  expect(gateway?.code, gateway?.message).toBe("ok");
  expect(grpc).toEqual(gateway);
  await transports[0]?.call("OrderCancel", gateway?.response ?? "");
});

describe.each(transports)("$name", (transport) => {
  test("OrderCreate sums lines of one SKU, and OrderInfo lists them ascending", async () => {
    const unsorted = [item(1_004, 2), item(1_003, 1), item(1_004, 3)];
    const created = await transport.call("OrderCreate", order(...unsorted));
    expect(created.response).toMatch(/^\{"orderID":[1-9][0-9]*\}$/);
    const info = await transport.call("OrderInfo", created.response);
    expect(info.response).toBe(
      `{"status":"awaiting payment","user":1,"items":[${item(1_003, 1)},${item(1_004, 5)}]}`,
    );
    await transport.call("OrderCancel", created.response);
  });

  test("paying and cancelling an order changes its status and the stock", async () => {
    const before = await stock(SKU);
    const payed = (await transport.call("OrderCreate", order(item(SKU, 2)))).response;
    const cancelled = (await transport.call("OrderCreate", order(item(SKU, 3)))).response;
    expect(await stock(SKU)).toBe(before - 5);
    expect((await transport.call("OrderPay", payed)).code).toBe("ok");
    expect(await stock(SKU), "what is payed was reserved before").toBe(before - 5);
    expect((await transport.call("OrderCancel", cancelled)).code).toBe("ok");
    expect(await stock(SKU)).toBe(before - 2);
    expect((await transport.call("OrderInfo", payed)).response).toContain(`"payed"`);
    expect((await transport.call("OrderInfo", cancelled)).response).toContain(`"cancelled"`);
  });

  test("an order short of stock names its SKUs, reserves nothing and is failed", async () => {
    const before = await stock(SKU);
    const some = [
      item(SKU, 1),
      item(SKU_RESERVED_OVER_TOTAL, 2),
      item(SKU_WITHOUT_STOCK_ROW, 3),
    ];
    const outcome = await transport.call("OrderCreate", order(...some));
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

  test("an order short of a thousand SKUs names twenty of them and the total", async () => {
    const all = lines(1_000, (index) => item(4_000_000_000 + index, 1));
    const outcome = await transport.call("OrderCreate", order(...all));
    expect(outcome.code).toBe("failed_precondition");
    expect(outcome.shortage?.skus).toHaveLength(20);
    expect(outcome.shortage?.skusTotal).toBe(1_000);
    expect(new TextEncoder().encode(outcome.message).byteLength).toBeLessThan(1_024);
  });

  test("an int64 user keeps every digit", async () => {
    const request = `{"user":${ABOVE_DOUBLES},"items":[${item(1_002, 1)}]}`;
    const created = await transport.call("OrderCreate", request);
    const info = await transport.call("OrderInfo", created.response);
    expect(info.response).toContain(`"user":${ABOVE_DOUBLES}`);
    await transport.call("OrderCancel", created.response);
  });

  test("a refused OrderCreate creates no order", async () => {
    const first = await create(user, SKU, 1);
    await transport.call("OrderCreate", order(item(SKU, 0)));
    await transport.call("OrderCreate", order(item(SKU, 65_535), item(SKU, 1)));
    const second = await create(user, SKU, 1);
    expect(second).toBe(first + 1);
    await cancel(first);
    await cancel(second);
  });
});
