import { describe, expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { NO_TRACING } from "../../shared/telemetry/tracing.ts";
import { fakeDeps } from "../deps-fixture.ts";
import { createRpc } from "../rpc/rpc.ts";
import { createLomsHttp } from "./app.ts";

const traceId = "a".repeat(32);
const JSON_TYPE = { "content-type": "application/json" };
const order = { user: 7, items: [{ sku: 42, count: 3 }] };

function setUp() {
  const deps = fakeDeps();
  const { writer, reader } = deps;
  writer.orderCreate.mockImplementation(({ userId }) =>
    Promise.resolve({ kind: "created", orderId: userId })
  );
  reader.orderInfo.mockImplementation((orderId) =>
    Promise.resolve({ orderId, userId: orderId, status: "payed", items: order.items })
  );
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    service: "loms",
    level: "info",
    format: "json",
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const metrics = new Metrics("loms");
  const rpc = createRpc(deps, { log, metrics, tracing: NO_TRACING });
  const app = createLomsHttp(rpc, [], { log });
  const post = async (path: string, body: unknown, headers: Record<string, string> = JSON_TYPE) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await app.request(path, { method: "POST", body: text, headers });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { app, post, lines, writer, reader };
}

describe("the gateway", () => {
  test.each([
    ["/v1/order/create", order, '{"orderID":7}'],
    [
      "/v1/order/info",
      { orderID: 9 },
      '{"status":"payed","user":9,"items":[{"sku":42,"count":3}]}',
    ],
    ["/v1/order/pay", { orderID: 9 }, "{}"],
    ["/v1/order/cancel/", { orderID: "9" }, "{}"],
    ["/v1/stock/info", { sku: 42 }, '{"count":9223372036854775807}'],
  ])("answers POST %s", async (path, body, answer) => {
    expect(await setUp().post(path, body)).toMatchObject({ status: 200, text: answer });
  });

  test.each(["9007199254740991", "9007199254740993", "9223372036854775807"])(
    "keeps %s exact in both directions",
    async (id) => {
      const { post, reader } = setUp();
      const { text } = await post("/v1/order/info", `{"orderID":${id}}`);
      expect(text).toContain(`"user":${id},`);
      expect(reader.orderInfo.mock.calls[0]?.[0]).toBe(BigInt(id));
    },
  );

  test("passes the idempotency key", async () => {
    const { post, writer } = setUp();
    await post("/v1/order/create", order, { ...JSON_TYPE, "Idempotency-Key": "once" });
    expect(writer.orderCreate.mock.calls[0]?.[0].idempotencyKey).toBe("once");
  });

  // shared/http, shared/json.test.ts and proto/loms/v1/schemas.test.ts have every rule.
  test.each([
    ["a missing field", "{}", 400],
    ["more than 64 KiB", " ".repeat(64 * 1024 + 1), 413],
  ])("refuses %s", async (_what, body, status) => {
    const answer = await setUp().post("/v1/order/info", body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(answer.text)).toMatchObject({ code: "invalid_argument", status });
  });

  test("accepts an order of up to 1 MiB", async () => {
    const padded = JSON.stringify(order).padEnd(1024 * 1024);
    expect(await setUp().post("/v1/order/create", padded)).toMatchObject({ status: 200 });
    expect(await setUp().post("/v1/order/create", `${padded} `)).toMatchObject({ status: 413 });
  });

  test("refuses an empty idempotency key by name", async () => {
    const headers = { ...JSON_TYPE, "idempotency-key": "" };
    const { status, text } = await setUp().post("/v1/order/create", order, headers);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ path: "idempotency-key" }] });
  });

  test("returns the SKUs that are short, and the order's id with every digit", async () => {
    const { post, writer } = setUp();
    const skus = [{ sku: 42, requested: 3, available: 2 }];
    const shortage = { orderId: 2n ** 63n - 1n, skus, skusTotal: 1 };
    writer.orderCreate.mockResolvedValue({ kind: "short", shortage });
    const headers = { ...JSON_TYPE, traceparent: `00-${traceId}-${"b".repeat(16)}-01` };
    const { status, text } = await post("/v1/order/create", order, headers);
    expect(status).toBe(412);
    expect(text).toContain('"order_id":9223372036854775807,');
    expect(JSON.parse(text)).toMatchObject({
      code: "failed_precondition",
      trace_id: traceId,
      skus,
      skus_total: 1,
    });
  });

  test.each([
    ["/v1/order/info", "GET", 405],
    ["/v1/order/fly", "POST", 404],
  ])("has no %s by %s", async (path, method, status) => {
    expect((await setUp().app.request(path, { method })).status).toBe(status);
  });

  test("logs one line for each request, whatever its outcome", async () => {
    const { app, post, lines, reader } = setUp();
    await post("/v1/order/info", { orderID: 1 });
    await post("/v1/order/info", "not JSON");
    reader.orderInfo.mockRejectedValue(new AppError("unavailable", "no"));
    await post("/v1/order/info", { orderID: 1 });
    await app.request("/v1/order/info");
    const line = { message: "request", http_route: "/v1/order/info" };
    const posted = { ...line, http_request_method: "POST" };
    const refused = { code: "invalid_argument" };
    expect(lines).toMatchObject([
      { ...posted, http_response_status_code: 200, http_response_body_size: expect.any(Number) },
      { ...posted, http_response_status_code: 400, ...refused },
      { ...posted, http_response_status_code: 503, code: "unavailable" },
      { ...line, http_request_method: "GET", http_response_status_code: 405, ...refused },
    ]);
  });
});

test("/openapi.json describes the methods with exact integers", async () => {
  const response = await setUp().app.request("/openapi.json");
  const document = await response.json() as {
    paths: Record<string, { post?: { operationId: string } }>;
    components: { schemas: Record<string, unknown> };
  };
  const operations = Object.values(document.paths).flatMap(({ post }) => post?.operationId ?? []);
  expect(operations.sort()).toEqual([
    "orderCancel",
    "orderCreate",
    "orderInfo",
    "orderList",
    "orderPay",
    "stocksInfo",
    "stocksInfoList",
  ]);
  expect(document.components.schemas["OrderInfoRequest"]).toMatchObject({
    properties: { orderID: { type: "integer", format: "int64", minimum: 1 } },
    required: ["orderID"],
  });
});
