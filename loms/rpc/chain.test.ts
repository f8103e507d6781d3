import { describe, expect, test, vi } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import type { Deps, OrderReader, OrderWriter } from "../domain/deps.ts";
import { createRpc } from "./chain.ts";
import type { RpcCall } from "./method.ts";
import { rpcMethods } from "./methods.ts";

const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const order = { user: 7n, items: [{ sku: 42, count: 3 }] };

function setUp() {
  const clock = new VirtualClock();
  const writer = {
    orderCreate: vi.fn<OrderWriter["orderCreate"]>(() =>
      Promise.resolve([{ kind: "created", orderId: 9n }])
    ),
    orderPay: vi.fn<OrderWriter["orderPay"]>(() => Promise.resolve([{ kind: "changed" }])),
    orderCancel: vi.fn<OrderWriter["orderCancel"]>(() => Promise.resolve([{ kind: "unchanged" }])),
    expireOrders: vi.fn<OrderWriter["expireOrders"]>(),
  };
  const reader = {
    orderInfo: vi.fn<OrderReader["orderInfo"]>(() =>
      Promise.resolve({ orderId: 9n, userId: 7n, status: "payed", items: [{ sku: 1, count: 2 }] })
    ),
    stocksInfo: vi.fn<OrderReader["stocksInfo"]>(() =>
      Promise.resolve({ totalCount: 2n ** 63n - 1n, reserved: 0n })
    ),
  };
  const deps: Deps = { writer, reader, wakeRelay: () => {} };
  const lines: string[] = [];
  const log = createLogger({
    service: "loms",
    level: "info",
    format: "json",
    write: (line) => lines.push(line),
  });
  const context = new RequestContext({ traceparent, timeoutMs: 1_000, clock });
  const rpc = createRpc(rpcMethods(deps), log);
  const call = (method: RpcCall["method"], request: unknown, idempotencyKeys: string[] = []) =>
    rpc({ method, system: "grpc", context, read: () => request, idempotencyKeys });
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { clock, writer, reader, call, logged };
}

describe("a call through the chain", () => {
  test.each<[RpcCall["method"], unknown, unknown]>([
    ["orderCreate", order, { orderID: 9n }],
    ["orderInfo", { orderID: 9n }, { status: "payed", user: 7n, items: [{ sku: 1, count: 2 }] }],
    ["orderPay", { orderID: 9n }, {}],
    ["orderCancel", { orderID: 9n }, {}],
    ["stocksInfo", { sku: 42 }, { count: 2n ** 63n - 1n }],
  ])("%s answers with its message", async (method, request, response) => {
    expect(await setUp().call(method, request)).toEqual(response);
  });

  test("hands on what the rules made of the request: lines of one SKU are summed", async () => {
    const { call, writer } = setUp();
    await call("orderCreate", { user: "7", items: [...order.items, ...order.items] }, ["once"]);
    expect(writer.orderCreate.mock.calls[0]?.[0]).toEqual([{
      userId: 7n,
      items: [{ sku: 42, count: 6 }],
      idempotencyKey: "once",
      traceparent,
    }]);
  });

  test("logs one line with method, status, duration and trace", async () => {
    const { call, logged, reader, clock } = setUp();
    reader.stocksInfo.mockImplementation(async () => {
      await clock.advance(12.3456);
      return undefined;
    });
    await expect(call("stocksInfo", { sku: 42 })).rejects.toMatchObject({ code: "not_found" });
    expect(logged()).toEqual([expect.objectContaining({
      level: "info",
      message: "call",
      rpc_system_name: "grpc",
      rpc_method: "loms.v1.Loms/StocksInfo",
      rpc_status_code: "NOT_FOUND",
      duration_ms: 12.346,
      trace_id: "a".repeat(32),
      span_id: "b".repeat(16),
      detail: "There is no stock of sku 42",
    })]);
    expect(logged()[0]).not.toHaveProperty("error_type");
  });

  test("hides the text of a defect from the caller and logs it as an error", async () => {
    const { call, logged, reader } = setUp();
    reader.stocksInfo.mockRejectedValue(new TypeError("x is not a function"));
    await expect(call("stocksInfo", { sku: 42 }))
      .rejects.toMatchObject({ code: "internal", message: "internal error" });
    expect(logged()).toMatchObject([
      { level: "error", rpc_status_code: "INTERNAL", error_type: "INTERNAL" },
    ]);
    expect(JSON.stringify(logged())).toContain("x is not a function");
  });

  test("is answered at its deadline, whatever the storage waits for", async () => {
    const { call, clock, reader } = setUp();
    reader.stocksInfo.mockReturnValue(new Promise(() => {}));
    const answer = expect(call("stocksInfo", { sku: 42 }))
      .rejects.toMatchObject({ code: "deadline_exceeded" });
    await clock.advance(1_000);
    await answer;
  });

  test("does not start once its deadline has passed", async () => {
    const { call, clock, reader } = setUp();
    await clock.advance(1_000);
    await expect(call("stocksInfo", { sku: 42 }))
      .rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(reader.stocksInfo).not.toHaveBeenCalled();
  });
});

describe("a request that breaks a rule", () => {
  test("is refused with every broken rule before the domain sees it", async () => {
    const { call, writer } = setUp();
    const items = [{ sku: 1, count: 0 }, { sku: 0, count: 1 }];
    const error = await call("orderCreate", { user: 0n, items }, [""])
      .then(() => undefined, (error: unknown) => error);
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe("invalid_argument");
    expect((error as AppError).fields?.map(({ path }) => path))
      .toEqual(["idempotency-key", "user", "items.0.count", "items.1.sku"]);
    expect(writer.orderCreate).not.toHaveBeenCalled();
  });

  test.each([
    [[""], "must be 1 to 255 printable ASCII characters"],
    [["x".repeat(256)], "must be 1 to 255 printable ASCII characters"],
    [["ключ"], "must be 1 to 255 printable ASCII characters"],
    [["a\tb"], "must be 1 to 255 printable ASCII characters"],
    [["a", "a"], "must be sent once, got 2"],
  ])("refuses idempotency keys %j", async (keys, message) => {
    const error = await setUp().call("orderCreate", order, keys).catch((error: unknown) => error);
    expect(error).toMatchObject({ fields: [{ path: "idempotency-key", message }] });
  });

  test.each([[["x"]], [["~".repeat(255)]], [[" "]], [[]]])("takes keys %j", async (keys) => {
    expect(await setUp().call("orderCreate", order, keys)).toEqual({ orderID: 9n });
  });

  test("leaves the idempotency key alone where a method has none", async () => {
    expect(await setUp().call("orderPay", { orderID: 9n }, [""])).toEqual({});
  });
});
