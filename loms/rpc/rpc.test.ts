import { describe, expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError, type ErrorCode } from "../../shared/errors.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/samples.ts";
import { series } from "../../shared/telemetry/test/samples.ts";
import { rememberedTracing } from "../../shared/telemetry/test/tracing.ts";
import { fakeDeps } from "../deps-fixture.ts";
import type { OrderItem } from "../domain/deps.ts";
import { createRpc, type MethodName, type RpcSystem } from "./rpc.ts";

const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const parent = `00-${"a".repeat(32)}-${"c".repeat(16)}-01`;
const order = { user: 7n, items: [{ sku: 42, count: 3 }] };

function setUp() {
  const clock = new VirtualClock();
  const deps = fakeDeps();
  const lines: string[] = [];
  const log = createLogger({
    service: "loms",
    level: "info",
    format: "json",
    write: (line) => lines.push(line),
  });
  const context = new RequestContext({ traceparent, parent, timeoutMs: 1_000, clock });
  const metrics = new Metrics("loms");
  const tracing = rememberedTracing();
  const rpc = createRpc(deps, { log, metrics, tracing });
  const callOver = (system: RpcSystem) => {
    return (name: MethodName, request: unknown, keys: string[] = []) =>
      rpc(name, system)({
        context,
        read: () => request,
        metadata: (key) => key === "idempotency-key" ? keys : [],
      });
  };
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const call = callOver("grpc");
  const gateway = callOver("http");
  return { ...deps, clock, call, gateway, logged, metrics, spans: tracing.spans };
}

describe("a call through the chain", () => {
  test.each<[MethodName, unknown, unknown]>([
    ["orderCreate", order, { orderID: 9n }],
    ["orderInfo", { orderID: 9n }, { status: "payed", user: 7n, items: [{ sku: 1, count: 2 }] }],
    ["orderPay", { orderID: 9n }, {}],
    ["orderCancel", { orderID: 9n }, {}],
    ["stocksInfo", { sku: 42 }, { count: 2n ** 63n - 1n }],
  ])("%s returns its message", async (method, request, response) => {
    expect(await setUp().call(method, request)).toEqual(response);
  });

  test("orderInfo returns prices, and their exact total if every line has one", async () => {
    const { call, reader } = setUp();
    const answering = (...items: OrderItem[]) => {
      reader.orderInfo.mockResolvedValue({ orderId: 9n, userId: 7n, status: "payed", items });
      return call("orderInfo", { orderID: 9n });
    };
    const free = { sku: 1, count: 2, price: 0 };
    const dear = Array.from({ length: 999 }, (_, at) => (
      { sku: at + 2, count: 65_535, price: 4_294_967_295 }
    ));
    const unpriced = { sku: 2_000, count: 1 };
    expect(await answering(free)).toMatchObject({ items: [free], total_price: 0n });
    expect(await answering(free, ...dear))
      .toMatchObject({ total_price: 999n * 65_535n * 4_294_967_295n });
    const mixed = await answering(free, unpriced);
    expect(mixed).toMatchObject({ items: [free, unpriced] });
    expect(mixed).not.toHaveProperty("total_price");
  });

  test.each(["buyer", "payment_timeout", undefined] as const)(
    "orderInfo returns the reason %s",
    async (reason) => {
      const { call, reader } = setUp();
      const order = { orderId: 9n, userId: 7n, status: "cancelled", items: [] } as const;
      reader.orderInfo.mockResolvedValue({ ...order, ...reason && { reason } });
      const info = await call("orderInfo", { orderID: 9n }) as { reason?: string };
      expect([info.reason, "reason" in info]).toEqual([reason, reason !== undefined]);
    },
  );

  test("orderList returns pages with a token, which leads to the next one", async () => {
    const { call, orderPages } = setUp();
    const createdAt = "2026-01-02T03:04:05.678Z";
    const priced = { sku: 1, count: 2, price: 3 };
    orderPages.orderList.mockResolvedValueOnce({
      orders: [
        { orderId: 9n, status: "payed", createdAt, items: [priced] },
        { orderId: 8n, status: "failed", createdAt, items: [priced, { sku: 2, count: 1 }] },
      ],
      next: 8n,
    });
    const statuses = ["payed", "failed", "payed"];
    const page = await call("orderList", { user: 7, statuses }) as { next_page_token: string };
    expect(page).toEqual({
      orders: [
        { orderID: 9n, status: "payed", created_at: createdAt, items: [priced], total_price: 6n },
        { orderID: 8n, status: "failed", created_at: createdAt, items: expect.any(Array) },
      ],
      next_page_token: expect.stringMatching(/./),
    });
    const { next_page_token: page_token } = page;
    const again = { user: 7, statuses: ["failed", "payed"], page_size: 100, page_token };
    expect(await call("orderList", again)).toEqual({ orders: [], next_page_token: "" });
    const input = { userId: 7n, statuses: ["failed", "payed"] };
    expect(orderPages.orderList.mock.calls.map(([given]) => given)).toEqual([
      { ...input, pageSize: 20, before: undefined },
      { ...input, pageSize: 100, before: 8n },
    ]);
    for (const other of [{ ...again, user: 8 }, { user: 7, page_token }]) {
      await expect(call("orderList", other)).rejects.toMatchObject({
        code: "invalid_argument",
        fields: [{ path: "page_token" }],
      });
    }
  });

  test("passes the normalized request: lines of one SKU are summed", async () => {
    const { call, writer } = setUp();
    await call("orderCreate", { user: "7", items: [...order.items, ...order.items] }, ["once"]);
    expect(writer.orderCreate.mock.calls[0]?.[0]).toEqual({
      userId: 7n,
      items: [{ sku: 42, count: 6 }],
      idempotencyKey: "once",
      traceparent,
    });
  });

  test("logs one line with method, status, duration and trace ids", async () => {
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

describe("an invalid request", () => {
  test("is refused with every violation, and the operation does not run", async () => {
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

  test.each<[MethodName, unknown, string]>([
    ["orderCreate", { user: 1n, items: [] }, "items"],
    ["orderInfo", {}, "orderID"],
    ["orderPay", { orderID: 0n }, "orderID"],
    ["orderCancel", { orderID: -1n }, "orderID"],
    ["orderList", { user: 1n, page_token: "garbled" }, "page_token"],
    ["stocksInfo", { sku: 0 }, "sku"],
    ["stocksInfoList", { skus: [1, 0] }, "skus.1"],
  ])("of %s is refused by the schema of that method", async (method, request, path) => {
    const error = { code: "invalid_argument", fields: [{ path }] };
    await expect(setUp().call(method, request)).rejects.toMatchObject(error);
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

  test("ignores the idempotency key of a method without one", async () => {
    expect(await setUp().call("orderPay", { orderID: 9n }, [""])).toEqual({});
  });
});

describe("an observed call", () => {
  test("is measured by transport, method and status", async () => {
    const { call, gateway, writer, clock, metrics } = setUp();
    writer.orderPay.mockImplementationOnce(async () => {
      await clock.advance(10);
      return { kind: "changed" };
    });
    await call("orderPay", { orderID: 9n });
    writer.orderPay.mockResolvedValueOnce({ kind: "wrong_status", status: "cancelled" });
    await gateway("orderPay", { orderID: 9n }).catch(() => {});
    writer.orderPay.mockRejectedValueOnce(new AppError("unavailable", "no primary"));
    await call("orderPay", { orderID: 9n }).catch(() => {});
    const samples = readSamples(await metrics.text());
    const sample = (suffix: string, system: RpcSystem, labels: object) =>
      samples.get(series(`rpc_server_call_duration_seconds_${suffix}`, {
        rpc_system_name: system,
        rpc_method: "loms.v1.Loms/OrderPay",
        ...labels,
      }));
    expect(sample("sum", "grpc", { rpc_status_code: "OK" })).toBe(0.01);
    expect(sample("count", "http", { rpc_status_code: "FAILED_PRECONDITION" })).toBe(1);
    const unavailable = { rpc_status_code: "UNAVAILABLE", error_type: "UNAVAILABLE" };
    expect(sample("count", "grpc", unavailable)).toBe(1);
  });

  test("over gRPC has a span below its caller's", async () => {
    const { call, spans } = setUp();
    await call("orderPay", { orderID: 9n });
    expect(spans).toMatchObject([{
      traceparent,
      parent,
      name: "loms.v1.Loms/OrderPay",
      kind: "server",
      attributes: {
        "rpc.system.name": "grpc",
        "rpc.method": "loms.v1.Loms/OrderPay",
        "rpc.status_code": "OK",
      },
      error: undefined,
    }]);
  });

  test.each<[ErrorCode, string | undefined]>([
    ["not_found", undefined],
    ["failed_precondition", undefined],
    ["unavailable", "UNAVAILABLE"],
    ["internal", "INTERNAL"],
  ])("%s sets the span's error to %s", async (code, error) => {
    const { call, spans, writer } = setUp();
    writer.orderPay.mockRejectedValueOnce(new AppError(code, "no"));
    await call("orderPay", { orderID: 9n }).catch(() => {});
    expect(spans[0]?.attributes["rpc.status_code"]).toBe(code.toUpperCase());
    expect(spans[0]?.error).toBe(error);
  });

  test("through the gateway has neither a span nor a log line", async () => {
    const { gateway, spans, logged } = setUp();
    await gateway("orderPay", { orderID: 9n });
    expect(spans).toEqual([]);
    expect(logged()).toEqual([]);
  });
});
