import { beforeAll, expect, inject, test } from "vitest";
import { hold } from "./hold.ts";
import { type LomsMethod, lomsTransports, type Outcome } from "./loms-transports.ts";
import { TRACE_ID } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { create, tryCreate, cancel } = shopAt(shop);

const SKU = 1_005;
/** 100 in total and 101 reserved. */
const SKU_RESERVED_OVER_TOTAL = 139_818_428;
const SKU_WITHOUT_STOCK_ROW = 5_097_510;
/** No other file of the run sells it while this one locks its row. */
const SKU_HELD = 3_618_852;
const INT64_MAX = "9223372036854775807";
const transports = lomsTransports(shop);
const user = newUser();
/** Keys of different users are independent. */
const keyUser = newUser();

const NO_ORDERS = {
  awaiting: 0,
  cancelled: 0,
  failed: 0,
  toPay: 0,
  toCancel: 0,
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
  orders.cancelled = await create(user, SKU, 4);
  await cancel(orders.cancelled);
  const refused = await tryCreate(user, [{ sku: SKU_WITHOUT_STOCK_ROW, count: 1 }]);
  orders.failed = refused.body["order_id"] as number;
  orders.toPay = await create(user, SKU, 1);
  orders.toCancel = await create(user, SKU, 1);
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
const refused = (method: LomsMethod, request: string, ...paths: string[]): Row => ({
  method,
  request,
  code: "invalid_argument",
  paths,
});

// One row of each kind of answer: that gRPC and the gateway put the same into their messages.
// loms/rpc/rpc.test.ts, loms/domain and loms/repository have every rule.
const rows: readonly Row[] = [
  refused("OrderCreate", order(item(SKU, 1), item(0, 0)), "items.1.sku", "items.1.count"),
  { ...keyed("", item(SKU, 1)), code: "invalid_argument", paths: ["idempotency-key"] },
  { ...keyed("taken", item(SKU, 3)), code: "already_exists" },
  // One transport gets the first answer, the other the repeated one.
  { ...keyed("sold", item(SKU, 1), item(SKU, 1)), code: "ok", response: /^{"orderID":[0-9]+}$/ },
  {
    ...keyed("short", item(SKU, 1), item(SKU_RESERVED_OVER_TOTAL, 2)),
    code: "failed_precondition",
  },
  refused("OrderInfo", `{}`, "orderID"),
  { method: "OrderInfo", request: `{"orderID":${INT64_MAX}}`, code: "not_found" },
  { method: "OrderPay", request: orderId("toPay"), code: "ok", response: "{}" },
  { method: "OrderCancel", request: orderId("toCancel"), code: "ok", response: "{}" },
  { method: "OrderPay", request: orderId("cancelled"), code: "failed_precondition" },
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
    response: /^\{"status":"failed",.*\],"reason":"out_of_stock"\}$/,
  },
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
    request: `{"skus":[${SKU_WITHOUT_STOCK_ROW}]}`,
    code: "ok",
    response: `{"items":[]}`,
  },
];

const titled = rows.map((row) => {
  const shown = typeof row.request === "string" ? row.request : row.request(STATES);
  const key = row.headers ? ` with key ${row.headers["idempotency-key"]?.slice(0, 20)}` : "";
  return { ...row, title: `${row.method} ${shown.slice(0, 60)}${key}` };
});

/** A missing field is 0 in protobuf. */
function asInProtobuf(outcome: Outcome | undefined): Outcome {
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
    expect(grpc).toEqual(asInProtobuf(gateway));
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
