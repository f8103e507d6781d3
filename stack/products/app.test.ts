import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { Readiness } from "../../shared/lifecycle.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { createProductsApp } from "./app.ts";
import { Faults } from "./faults.ts";

const PRODUCT_SKUS = [
  ...[1076963, 1148162, 2618151, 2956315, 2958025, 3618852, 139275865, 5097510, 1625903],
  ...[3596599, 4288068, 4465995, 30816475, 135717466, 135937324, 139819069, 139818428],
  ...[773297411, 1002, 1003, 1004, 1005],
];

function standIn() {
  const clock = new VirtualClock();
  const faults = new Faults(clock);
  const readiness = new Readiness();
  const metrics = new Metrics("products");
  const app = createProductsApp({
    token: "testtoken",
    faults,
    readiness,
    metrics,
    clock,
  });
  const request = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : {
      method,
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    };
    const response = await app.request(path, init);
    const text = await response.text();
    const { status, headers } = response;
    return { status, headers, body: text === "" ? undefined : JSON.parse(text) as unknown };
  };
  const getProduct = (sku: unknown, token = "testtoken") =>
    request("POST", "/get_product", { token, sku });
  return { app, clock, request, getProduct };
}

describe("get_product", () => {
  test("returns name and price", async () => {
    const { getProduct } = standIn();
    expect(await getProduct(773297411)).toMatchObject({
      status: 200,
      body: { name: "Кроссовки Nike JORDAN", price: 2202 },
    });
  });

  test("serves every SKU of the specification", async () => {
    const { getProduct } = standIn();
    for (const sku of PRODUCT_SKUS) {
      expect(await getProduct(sku), `sku ${sku}`).toMatchObject({
        status: 200,
        body: { name: expect.stringMatching(/./), price: expect.any(Number) },
      });
    }
  });

  test.each([
    [404, 12345, "testtoken"],
    [401, 1005, "guess"],
    [400, 0, "testtoken"],
    [400, "1005", "testtoken"],
  ])("answers %i for sku %j with token %s", async (status, sku, token) => {
    const { getProduct } = standIn();
    expect(await getProduct(sku, token)).toMatchObject({
      status,
      body: { code: expect.any(Number), message: expect.any(String) },
    });
  });

  test("answers 400 to a body that is not JSON", async () => {
    expect(await standIn().request("POST", "/get_product", "{")).toMatchObject({ status: 400 });
  });
});

describe("list_skus", () => {
  test.each([
    [0, 3, [1002, 1003, 1004]],
    [1004, 2, [1005, 1076963]],
    [773297411, 5, []],
    [0, 0, []],
  ])("returns SKUs above %i, at most %i", async (startAfterSku, count, skus) => {
    const body = { token: "testtoken", startAfterSku, count };
    expect(await standIn().request("POST", "/list_skus", body)).toMatchObject({
      status: 200,
      body: { skus },
    });
  });
});

describe("/products", () => {
  const put = (request: ReturnType<typeof standIn>["request"], sku: unknown, change: unknown) =>
    request("PUT", `/products/${sku}`, change);

  test("changes the given fields, until the changes are undone", async () => {
    const { request, getProduct } = standIn();
    const { body: before } = await getProduct(1005);
    expect(await put(request, 1005, { price: 0 })).toMatchObject({ status: 204 });
    expect((await getProduct(1005)).body).toEqual({ ...before as object, price: 0 });
    await put(request, 1005, { name: "Термос" });
    expect((await getProduct(1005)).body).toEqual({ name: "Термос", price: 0 });
    expect(await request("DELETE", "/products")).toMatchObject({ status: 204 });
    expect((await getProduct(1005)).body).toEqual(before);
  });

  test("adds a product, which is listed in order", async () => {
    const { request, getProduct } = standIn();
    await put(request, 1_006, { name: "Фляга", price: 4_294_967_295 });
    expect((await getProduct(1_006)).body).toEqual({ name: "Фляга", price: 4_294_967_295 });
    const page = { token: "testtoken", startAfterSku: 1_005, count: 2 };
    expect((await request("POST", "/list_skus", page)).body).toEqual({ skus: [1_006, 1_076_963] });
    await request("DELETE", "/products");
    expect(await getProduct(1_006)).toMatchObject({ status: 404 });
  });

  test.each([
    [404, 1_006, { price: 1 }],
    [400, 1_005, { price: -1 }],
    [400, 1_005, { price: 4_294_967_296 }],
    [400, 1_005, { name: "" }],
    [400, 1_005, { cost: 1 }],
    [400, 1_005, "{"],
    [400, 0, { price: 1 }],
    [400, "shoe", { price: 1 }],
    [400, 4_294_967_296, { price: 1 }],
  ])("answers %i to a change of %s by %j, and changes nothing", async (status, sku, change) => {
    const { request, getProduct } = standIn();
    const { body: before } = await getProduct(1005);
    expect(await put(request, sku, change)).toMatchObject({ status });
    expect((await getProduct(1005)).body).toEqual(before);
  });
});

describe("/stats", () => {
  test("counts every call, whatever its answer, until a reset", async () => {
    const { request, getProduct } = standIn();
    await getProduct(1005);
    await getProduct(1005, "guess");
    await request("POST", "/list_skus", { token: "testtoken", startAfterSku: 0, count: 1 });
    const counted = { calls: { get_product: 2, list_skus: 1 }, max_in_any_second: 3 };
    expect((await request("GET", "/stats")).body)
      .toEqual({ ...counted, clients: [{ user_agent: "", ...counted }] });
    await request("DELETE", "/stats");
    expect((await request("GET", "/stats")).body)
      .toEqual({ calls: { get_product: 0, list_skus: 0 }, max_in_any_second: 0, clients: [] });
  });

  test("counts by client, named by the User-Agent", async () => {
    const { request, app, clock } = standIn();
    const callAs = async (userAgent: string, path = "/get_product") => {
      await app.request(path, { method: "POST", headers: { "user-agent": userAgent } });
    };
    for (const name of ["cart/1", "curl/8", "cart/1"]) await callAs(name);
    await clock.advance(1_000);
    await callAs("cart/1", "/list_skus");
    expect((await request("GET", "/stats")).body).toEqual({
      calls: { get_product: 3, list_skus: 1 },
      max_in_any_second: 3,
      clients: [
        { user_agent: "cart/1", calls: { get_product: 2, list_skus: 1 }, max_in_any_second: 2 },
        { user_agent: "curl/8", calls: { get_product: 1, list_skus: 0 }, max_in_any_second: 1 },
      ],
    });
  });

  test("counts clients beyond the first hundred together", async () => {
    const { request, app } = standIn();
    for (let client = 0; client < 110; client++) {
      const headers = { "user-agent": `${client}/${"x".repeat(1_000)}` };
      await app.request("/get_product", { method: "POST", headers });
    }
    const { clients } = (await request("GET", "/stats")).body as {
      clients: { user_agent: string }[];
    };
    expect(clients).toHaveLength(101);
    expect(clients.at(-1)).toMatchObject({ user_agent: "others", calls: { get_product: 10 } });
    expect(clients[0]?.user_agent).toHaveLength(200);
  });

  test("finds the fullest second wherever it begins", async () => {
    const { request, clock, getProduct } = standIn();
    for (const pauseMs of [900, 50, 940, 5, 5, 2000, 1]) {
      await getProduct(1005);
      await clock.advance(pauseMs);
    }
    expect((await request("GET", "/stats")).body).toMatchObject({ max_in_any_second: 4 });
  });
});

describe("/faults", () => {
  test("answers the next calls as planned, with Retry-After", async () => {
    const { request, getProduct } = standIn();
    await request("PUT", "/faults", { status: 429, retry_after_s: 2, next: 1 });
    const refused = await getProduct(1005);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("2");
    expect((await getProduct(1005)).status).toBe(200);
  });

  test("without `next` lasts until the faults end", async () => {
    const { request, getProduct } = standIn();
    await request("PUT", "/faults", { status: 503 });
    expect((await getProduct(1005)).status).toBe(503);
    expect((await getProduct(1005)).status).toBe(503);
    await request("DELETE", "/faults");
    expect((await getProduct(1005)).status).toBe(200);
  });

  test("delays calls", async () => {
    const { request, clock, getProduct } = standIn();
    await request("PUT", "/faults", { latency_ms: 300 });
    let isAnswered = false;
    const answer = getProduct(1005).then(({ status }) => {
      isAnswered = true;
      return status;
    });
    await expect.poll(() => clock.pending).toBeGreaterThan(0);
    await clock.advance(299);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    expect(await answer).toBe(200);
  });

  test("leaves calls unanswered until the faults end", async () => {
    const { request, getProduct } = standIn();
    await request("PUT", "/faults", { hang: true, next: 1 });
    let isAnswered = false;
    const hanging = getProduct(1005).finally(() => isAnswered = true);
    expect((await getProduct(1005)).status).toBe(200);
    expect(isAnswered).toBe(false);
    await request("DELETE", "/faults");
    expect((await hanging).status).toBe(200);
  });

  test("limits the calls in any second", async () => {
    const { request, clock, getProduct } = standIn();
    await request("PUT", "/faults", { limit_rps: 2 });
    const statuses: number[] = [];
    for (const pauseMs of [500, 400, 100, 1]) {
      statuses.push((await getProduct(1005)).status);
      await clock.advance(pauseMs);
    }
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  test.each([{ status: 99 }, { latency_ms: -1 }, { colour: "red" }, { next: "1" }])(
    "refuses %j with 400",
    async (plan) => {
      expect(await standIn().request("PUT", "/faults", plan)).toMatchObject({ status: 400 });
    },
  );
});
