import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { Readiness } from "../../shared/lifecycle.ts";
import { createProductsApp } from "./app.ts";
import { Faults } from "./faults.ts";
import { PRODUCTS } from "./products.ts";

const token = "testtoken";

function setUp() {
  const clock = new VirtualClock();
  const faults = new Faults(clock);
  const readiness = new Readiness();
  const app = createProductsApp({ token, faults, readiness, observers: [], clock });
  const send = async (method: string, path: string, body?: unknown, signal?: AbortSignal) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = {
      method,
      ...(body === undefined ? {} : { body: text }),
      ...(signal && { signal }),
    };
    const response = await app.fetch(new Request(`http://products${path}`, init));
    const answer = await response.text();
    return {
      status: response.status,
      body: answer === "" ? undefined : JSON.parse(answer),
      retryAfter: response.headers.get("retry-after"),
    };
  };
  const lookUp = (sku: unknown = 1002) => send("POST", "/get_product", { token, sku });
  const stats = async () => (await send("GET", "/stats")).body;
  const fault = (plan: unknown) => send("PUT", "/faults", plan);
  return { clock, readiness, send, lookUp, stats, fault };
}

describe("POST /get_product", () => {
  test("answers name and price", async () => {
    const { lookUp } = setUp();
    const { status, body } = await lookUp(773297411);
    expect([status, body]).toEqual([200, { name: "Кроссовки Nike JORDAN", price: 2202 }]);
  });

  test("answers 404 for an unknown sku", async () => {
    const { lookUp } = setUp();
    const { status, body } = await lookUp(1);
    expect([status, body]).toEqual([404, { code: 5, message: "there is no sku 1" }]);
  });

  test("answers 401 for a wrong token, without saying which is right", async () => {
    const { send } = setUp();
    const { status, body } = await send("POST", "/get_product", { token: "guess", sku: 1002 });
    expect([status, body]).toEqual([401, { code: 16, message: "the token is wrong" }]);
  });

  test.each([
    "not json",
    "",
    "[]",
    '{"token": "testtoken"}',
    '{"token": "testtoken", "sku": 0}',
    '{"token": "testtoken", "sku": 4294967296}',
    '{"token": "testtoken", "sku": 1.0}',
    '{"token": "testtoken", "sku": "1002"}',
    '{"token": "testtoken", "sku": 1002, "extra": 1}',
    '{"sku": 1002}',
  ])("answers 400 for %s", async (text) => {
    const { send } = setUp();
    const { status, body } = await send("POST", "/get_product", text);
    expect([status, body]).toEqual([400, { code: 3, message: expect.any(String) }]);
  });

  test("answers 413 for a body over 64 KiB", async () => {
    const { send } = setUp();
    expect(await send("POST", "/get_product", "x".repeat(65_537))).toMatchObject({ status: 413 });
  });
});

describe("POST /list_skus", () => {
  const page = async (startAfterSku: unknown, count: unknown) => {
    const { send } = setUp();
    const { status, body } = await send("POST", "/list_skus", { token, startAfterSku, count });
    return body.skus ?? status;
  };

  test("answers the skus after the given one, ascending, at most as many as asked for", async () => {
    expect(await page(0, 3)).toEqual([1002, 1003, 1004]);
    expect(await page(1004, 2)).toEqual([1005, 1076963]);
    expect(await page(139819069, 10)).toEqual([773297411]);
    expect(await page(773297411, 10)).toEqual([]);
    expect(await page(0, 0)).toEqual([]);
  });

  test("answers 400 for what is no uint32", async () => {
    expect(await page(-1, 1)).toBe(400);
    expect(await page(0, 2 ** 32)).toBe(400);
    expect(await page(0, undefined)).toBe(400);
  });

  test("can list every product", async () => {
    const skus = await page(0, 1_000) as number[];
    expect(skus).toEqual([...PRODUCTS.keys()].sort((a, b) => a - b));
    expect(skus).toHaveLength(22);
  });
});

describe("/stats", () => {
  test("counts every call, whatever it was answered", async () => {
    const { send, lookUp, stats, fault } = setUp();
    await lookUp();
    await lookUp(1);
    await send("POST", "/get_product", { token: "guess", sku: 1 });
    await fault({ status: 500 });
    await send("POST", "/list_skus", "bad");
    expect(await stats()).toEqual({
      calls: { get_product: 3, list_skus: 1 },
      max_in_any_second: 4,
    });
  });

  test("finds the fullest second wherever it begins", async () => {
    const { clock, lookUp, stats } = setUp();
    for (const waitMs of [0, 900, 50, 49, 1, 1_000]) {
      await clock.advance(waitMs);
      await lookUp();
    }
    expect((await stats()).max_in_any_second).toBe(4);
  });

  test("starts again after DELETE", async () => {
    const { send, lookUp, stats } = setUp();
    await lookUp();
    expect((await send("DELETE", "/stats")).status).toBe(204);
    expect(await stats()).toEqual({
      calls: { get_product: 0, list_skus: 0 },
      max_in_any_second: 0,
    });
  });
});

describe("/faults", () => {
  test("a status with Retry-After, for as many calls as planned", async () => {
    const { lookUp, fault } = setUp();
    expect((await fault({ status: 420, retry_after_s: 3, next: 2 })).status).toBe(204);
    const answers = [await lookUp(), await lookUp(), await lookUp()];
    expect(answers.map(({ status, retryAfter }) => [status, retryAfter]))
      .toEqual([[420, "3"], [420, "3"], [200, null]]);
    expect(answers[0]?.body).toEqual({ code: 8, message: "as planned" });
  });

  test("a status for all calls until DELETE", async () => {
    const { send, lookUp, fault } = setUp();
    await fault({ status: 503 });
    for (let count = 0; count < 3; count++) expect((await lookUp()).status).toBe(503);
    expect((await send("DELETE", "/faults")).status).toBe(204);
    expect((await lookUp()).status).toBe(200);
  });

  test("latency", async () => {
    const { clock, lookUp, fault } = setUp();
    await fault({ latency_ms: 200 });
    const answeredAt = lookUp().then(() => clock.now());
    await pump(() => clock.pending === 1);
    await clock.advance(500);
    expect(await answeredAt).toBeGreaterThanOrEqual(200);
  });

  test("a call hangs until DELETE and is answered then", async () => {
    const { send, lookUp, fault } = setUp();
    await fault({ hang: true, next: 1 });
    let answered = false;
    const hanging = lookUp().finally(() => answered = true);
    expect((await lookUp()).status).toBe(200);
    expect(answered).toBe(false);
    await send("DELETE", "/faults");
    expect((await hanging).status).toBe(200);
  });

  test("a call that hangs ends when its caller leaves", async () => {
    const { send, fault } = setUp();
    await fault({ hang: true });
    const caller = new AbortController();
    const hanging = send("POST", "/get_product", { token, sku: 1002 }, caller.signal);
    caller.abort();
    await expect(hanging).resolves.toBeDefined();
  });

  test("a limit of calls in any second, which `next` does not use up", async () => {
    const { clock, lookUp, fault } = setUp();
    await fault({ limit_rps: 2, next: 1, status: 500 });
    const statuses = [];
    for (const waitMs of [0, 0, 0, 999, 1, 0]) {
      await clock.advance(waitMs);
      statuses.push((await lookUp()).status);
    }
    expect(statuses).toEqual([500, 200, 429, 429, 200, 200]);
    expect(await lookUp()).toMatchObject({ status: 429, retryAfter: "1" });
  });

  test.each([
    { status: 200 },
    { latency_ms: -1 },
    { next: 1.5 },
    { hang: "yes" },
    { limit_rps: 0 },
    { delay: 5 },
    "nothing",
  ])("refuses plan %j and keeps the one in force", async (plan) => {
    const { lookUp, fault } = setUp();
    await fault({ status: 503 });
    expect((await fault(plan)).status).toBe(400);
    expect((await lookUp()).status).toBe(503);
  });
});

test("/healthz and /readyz say whether it runs and serves", async () => {
  const { readiness, send } = setUp();
  expect((await send("GET", "/healthz")).status).toBe(200);
  expect((await send("GET", "/readyz")).status).toBe(200);
  readiness.stop();
  expect((await send("GET", "/readyz")).status).toBe(503);
});

/** Lets what is under way go on until `done`. */
async function pump(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}
