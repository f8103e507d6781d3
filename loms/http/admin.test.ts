import { expect, test } from "vitest";
import { createLogger } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { fakeStockDeps } from "../deps-fixture.ts";
import { createAdminHttp } from "./admin.ts";

const BIG = "9223372036854775807";
const named = { reason: "delivery", reference: "note 1" };
const receive = (...lines: unknown[]) => ({ lines, ...named });

function setUp(token?: string) {
  const deps = fakeStockDeps();
  const lines: string[] = [];
  const log = createLogger({
    ...{ service: "loms", level: "debug", format: "json" },
    write: (line) => lines.push(line),
  });
  const metrics = new Metrics("loms");
  const app = createAdminHttp(deps, { log, metrics, token });
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
    return { status: response.status, text: await response.text() };
  };
  return { ...deps, app, post, lines, metrics };
}

test("stockReceive() passes on the lines and returns the new stock", async () => {
  const { post, stockWriter } = setUp();
  stockWriter.stockChange.mockResolvedValue({
    kind: "changed",
    lines: [{ sku: 42, totalCount: 2n ** 63n - 1n, reserved: 1n }],
  });
  expect(await post("/v1/stock/receive", receive({ sku: 42, count: -3 }))).toEqual({
    status: 200,
    text: `{"lines":[{"sku":42,"total_count":${BIG},"reserved":1}]}`,
  });
  expect(stockWriter.stockChange.mock.calls[0]?.[0]).toEqual({
    ...{ kind: "received", lines: [{ sku: 42, count: -3n }], ...named },
  });
});

test("stockCount() keeps every digit of a total", async () => {
  const { post, stockWriter } = setUp();
  const body = `{"lines":[{"sku":42,"total_count":${BIG}}],"reason":"r","reference":"n"}`;
  expect(await post("/v1/stock/count/", body)).toMatchObject({ status: 200 });
  expect(stockWriter.stockChange.mock.calls[0]?.[0]).toEqual({
    ...{ kind: "counted", lines: [{ sku: 42, count: 2n ** 63n - 1n }] },
    ...{ reason: "r", reference: "n" },
  });
});

test("stockList() returns a page", async () => {
  const { post, stockReader } = setUp();
  stockReader.stockList.mockResolvedValue([{ sku: 7, totalCount: 2n, reserved: 1n }]);
  expect(await post("/v1/stock/list", { after: 5, limit: 1 })).toEqual({
    status: 200,
    text: '{"items":[{"sku":7,"total_count":2,"reserved":1}]}',
  });
  await post("/v1/stock/list", {});
  const pages = stockReader.stockList.mock.calls.map(([after, limit]) => [after, limit]);
  expect(pages).toEqual([[5, 1], [0, 100]]);
});

test("stockMovements() returns a page", async () => {
  const { post, stockReader } = setUp();
  const at = "2026-03-04T05:06:07.890Z";
  stockReader.stockMovements.mockResolvedValue([
    { id: 3n, sku: 7, kind: "counted", count: -2n, total_count: 5n, ...named, at },
  ]);
  expect(await post("/v1/stock/movements", `{"sku":7,"after":${BIG},"limit":1000}`)).toEqual({
    status: 200,
    text: '{"movements":[{"id":3,"sku":7,"kind":"counted","count":-2,"total_count":5,' +
      `"reason":"delivery","reference":"note 1","at":"${at}"}]}`,
  });
  expect(stockReader.stockMovements.mock.calls[0]?.[0])
    .toEqual({ sku: 7, after: 2n ** 63n - 1n, limit: 1000 });
});

const TEXT_RULE = "must be 1 to 255 characters";
const line = { sku: 1, count: 1 };
test.each<[string, unknown, string, string]>([
  ["receive", receive(), "lines", "must have at least one line"],
  [
    "receive",
    receive(...Array.from({ length: 1001 }, (_, at) => ({ sku: at + 1, count: 1 }))),
    "lines",
    "must have at most 1000 lines",
  ],
  ["receive", receive(line, line), "lines.1.sku", "must be in one line, got 1 again"],
  ["receive", receive({ sku: 1, count: 0 }), "lines.0.count", "must not be 0"],
  [
    "receive",
    receive({ sku: 1, count: 2 ** 31 }),
    "lines.0.count",
    "must be an integer from -2147483647 to 2147483647, got 2147483648",
  ],
  [
    "receive",
    receive({ sku: 2 ** 32, count: 1 }),
    "lines.0.sku",
    "must be an integer from 1 to 4294967295, got 4294967296",
  ],
  [
    "receive",
    { lines: [line], reason: "", reference: "n" },
    "reason",
    `${TEXT_RULE}, got 0`,
  ],
  [
    "receive",
    { lines: [line], reason: "r", reference: "n".repeat(256) },
    "reference",
    `${TEXT_RULE}, got 256`,
  ],
  ["receive", { lines: [line], reason: "r" }, "reference", `${TEXT_RULE}, got nothing`],
  [
    "receive",
    { lines: [line], reason: "a\0b", reference: "n" },
    "reason",
    'must be text without NUL, got "a\\u0000b"',
  ],
  [
    "count",
    receive({ sku: 1, total_count: -1 }),
    "lines.0.total_count",
    `must be an integer from 0 to ${BIG}, got -1`,
  ],
  [
    "count",
    receive({ sku: 1, total_count: "1" }),
    "lines.0.total_count",
    `must be an integer from 0 to ${BIG}, got "1"`,
  ],
  ["count", receive({ sku: 1, count: 1, total_count: 1 }), "lines.0.count", "is not a known field"],
  ["list", { limit: 0 }, "limit", "must be an integer from 1 to 1000, got 0"],
  ["list", { after: -1 }, "after", "must be an integer from 0 to 4294967295, got -1"],
  ["movements", {}, "sku", "must be an integer from 1 to 4294967295, got nothing"],
])("/v1/stock/%s reports a broken rule of %j", async (route, body, path, message) => {
  const { post, stockWriter } = setUp();
  const { status, text } = await post(`/v1/stock/${route}`, body);
  expect(status).toBe(400);
  expect(JSON.parse(text)).toMatchObject({ errors: [{ path, message }] });
  expect(stockWriter.stockChange).not.toHaveBeenCalled();
});

test("a reason may have 255 characters of two code units each", async () => {
  const { post } = setUp();
  const body = { lines: [line], reason: "🚚".repeat(255), reference: "n" };
  expect(await post("/v1/stock/receive", body)).toMatchObject({ status: 200 });
});

test("every operation requires the token, and no log line contains it", async () => {
  const { post, lines, stockWriter, stockReader, metrics } = setUp("t0ken");
  for (const route of ["receive", "count", "list", "movements"]) {
    const path = `/v1/stock/${route}`;
    expect((await post(path, "not JSON")).status).toBe(401);
    expect((await post(path, "not JSON", { authorization: "Bearer gu3ss" })).status).toBe(401);
  }
  const opened = await post("/v1/stock/list", {}, { authorization: "Bearer t0ken" });
  expect(opened.status).toBe(200);
  expect(stockWriter.stockChange).not.toHaveBeenCalled();
  expect(stockReader.stockList).toHaveBeenCalledOnce();
  expect(lines).toHaveLength(9);
  expect(lines.join()).not.toMatch(/t0ken|gu3ss/);
  expect(await metrics.text()).toContain('http_route="/v1/stock/list"');
});

test.each(["/openapi.json", "/swagger-ui", "/"])("%s needs no token", async (path) => {
  expect((await setUp("right").app.request(path)).status).toBe(200);
});

test("pages of other origins are not allowed", async () => {
  const { app } = setUp();
  const answer = await app.request("/v1/stock/list", {
    method: "OPTIONS",
    headers: { origin: "http://localhost:8084", "access-control-request-method": "POST" },
  });
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
});
