import { describe, expect, test } from "vitest";
import type { VirtualClock } from "../async/test/virtual-clock.ts";
import { RETRY_AFTER_MAX_S } from "../http-client/retry-after.ts";
import { PRODUCT, SECRET, setUp, status, TRACEPARENT } from "./test/product-client.ts";
import type { TestProductService } from "./test/product-service.ts";

const throttled = (headers?: Record<string, string>) =>
  new Response(JSON.stringify({ code: 8, message: `slow down, ${SECRET}` }), {
    status: 429,
    ...(headers ? { headers } : {}),
  });

describe("getProduct() calls", () => {
  test("with token, sku, the caller's trace context and its own user agent", async () => {
    const { service, spans, getNow } = setUp();
    expect(await getNow()).toEqual(PRODUCT);
    expect(spans).toMatchObject([{ parent: TRACEPARENT }]);
    expect(service.received).toEqual([{
      at: 0,
      url: "http://products:8090/get_product",
      body: { token: SECRET, sku: 42 },
      traceparent: spans[0]?.traceparent,
      userAgent: "test/1",
    }]);
  });

  test("once for concurrent callers", async () => {
    const { clock, service, client, context } = setUp();
    service.latencyMs = 10;
    const answers = [1, 2, 3].map(() => client.getProduct(42, context()));
    await clock.advance(10);
    expect(await Promise.all(answers)).toEqual([PRODUCT, PRODUCT, PRODUCT]);
    expect(service.received).toHaveLength(1);
  });

  test("on for the others when the first of them leaves", async () => {
    const { clock, service, client, context } = setUp();
    service.latencyMs = 10;
    const leaving = new AbortController();
    const first = client.getProduct(42, context(5_000, leaving));
    const second = client.getProduct(42, context());
    leaving.abort();
    await expect(first).rejects.toMatchObject({
      code: "unavailable",
      message: "the caller disconnected",
    });
    await clock.advance(10);
    expect(await second).toEqual(PRODUCT);
  });

  test("at most 10 times in any second, lists and retries with it", async () => {
    const { clock, service, client, context } = setUp();
    service.nextReplies.push(throttled(), throttled(), throttled());
    for (let sku = 1; sku <= 20; sku++) void client.getProduct(sku, context());
    for (let start = 0; start < 10; start++) void client.listSkus(start, 5, context());
    await clock.advance(5_000);
    const sentAt = service.received.map(({ at }) => at);
    expect(sentAt).toHaveLength(33);
    const gaps = sentAt.slice(10).map((at, index) => at - (sentAt[index] as number));
    expect(Math.min(...gaps)).toBeGreaterThan(1_000);
  });

  test("no server when there is no permit before the deadline, and rejects at once", async () => {
    const { clock, service, client, context } = setUp();
    for (let sku = 1; sku <= 20; sku++) void client.getProduct(sku, context());
    await clock.advance(1);
    await expect(client.getProduct(99, context(1_000))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("product service is busy"),
      retryAfterMs: expect.any(Number),
    });
    const patient = client.getProduct(98, context(3_000));
    await clock.advance(3_000);
    expect(await patient).toEqual({ name: "Product 98", price: 98 });
    expect(service.received.map(({ body }) => body.sku)).not.toContain(99);
  });
});

describe("getProduct() tries again", () => {
  test.each([420, 429, 500, 503])("after status %d, with the whole body", async (code) => {
    const { service, get } = setUp();
    service.nextReplies.push(status(code));
    expect(await get()).toEqual(PRODUCT);
    expect(service.received.map(({ body }) => body))
      .toEqual([{ token: SECRET, sku: 42 }, { token: SECRET, sku: 42 }]);
  });

  test("after a broken connection", async () => {
    const { service, get } = setUp();
    service.nextReplies.push(new TypeError("fetch failed"));
    expect(await get()).toEqual(PRODUCT);
  });

  test("after a try that got no answer for long", async () => {
    const { service, get } = setUp();
    service.nextReplies.push("hang");
    expect(await get()).toEqual(PRODUCT);
    expect(service.received.map(({ at }) => at)).toEqual([0, 3_600]);
  });

  test("up to 3 times, with growing pauses, then is unavailable", async () => {
    const { service, get } = setUp();
    service.reply = () => status(500);
    expect(await get()).toMatchObject({
      code: "unavailable",
      message: "The product service is unavailable: get_product was answered with status 500",
    });
    expect(service.received.map(({ at }) => at)).toEqual([0, 100, 300, 700]);
  });

  test.each([
    ["seconds", () => "2"],
    ["a date", (clock: VirtualClock) => new Date(clock.epochMs() + 2_000).toUTCString()],
  ])("not before the Retry-After in %s", async (_form, header) => {
    const { clock, service, get } = setUp();
    service.nextReplies.push(throttled({ "retry-after": header(clock) }));
    expect(await get()).toEqual(PRODUCT);
    expect(service.received.map(({ at }) => at)).toEqual([0, 2_100]);
  });

  test("not at all when Retry-After is past the deadline, and passes it on", async () => {
    const { clock, service, client, context } = setUp();
    service.nextReplies.push(throttled({ "retry-after": "60" }));
    const answer = client.getProduct(42, context());
    await Promise.all([
      expect(answer).rejects.toMatchObject({ code: "unavailable", retryAfterMs: 60_000 }),
      clock.advance(0),
    ]);
  });
});

describe("a pause that the product service requests", () => {
  const CALLERS = 48;
  /** What the first ten calls are answered; nothing else is sent while they are in progress. */
  const pause = (service: TestProductService, ...seconds: string[]) => {
    const after = (second: string) => throttled({ "retry-after": second });
    service.nextReplies.push(...seconds.map(after));
  };

  test("holds for every later call of the process, which is unavailable at once", async () => {
    const { clock, service, client, context } = setUp();
    pause(service, ...Array<string>(10).fill("30"));
    const request = (sku: number) =>
      client.getProduct(sku, context()).catch((error: unknown) => error);
    const answers = Array.from({ length: CALLERS }, (_, sku) => request(sku + 1));
    await clock.advance(0);
    const refusals = await Promise.all(answers);
    expect(service.received).toHaveLength(10);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: "unavailable", retryAfterMs: 30_000 });
    }
    await clock.advance(24_999);
    expect(await request(99)).toMatchObject({
      code: "unavailable",
      message: "The product service has requested a pause: " +
        "its next call is in 5001 ms, the deadline in 5000 ms",
      retryAfterMs: 5_001,
    });
    await expect(client.listSkus(0, 1, context())).rejects.toMatchObject({ code: "unavailable" });
    expect(service.received).toHaveLength(10);
  });

  test("is waited for by a call whose deadline is later", async () => {
    const { clock, service, client, context } = setUp();
    pause(service, "3");
    const first = client.getProduct(1, context());
    await clock.advance(500);
    const second = client.getProduct(2, context());
    await clock.advance(4_000);
    expect([await first, await second]).toEqual([
      { name: "Product 1", price: 1 },
      { name: "Product 2", price: 2 },
    ]);
    expect(service.received.map(({ at, body }) => [at, body.sku]))
      .toEqual([[0, 1], [3_000, 2], [3_100, 1]]);
  });

  test("is not cut short by a shorter one", async () => {
    const { clock, service, client, context } = setUp();
    pause(service, "4", "0", "1");
    const skus = [1, 2, 3];
    const answers = skus.map((sku) => client.getProduct(sku, context()));
    await clock.advance(5_000);
    await Promise.all(answers);
    expect(Math.min(...service.received.slice(3).map(({ at }) => at))).toBe(4_000);
  });

  test("of eleven digits is a long one", async () => {
    const { service, get } = setUp();
    pause(service, "99999999999");
    expect(await get()).toMatchObject({
      code: "unavailable",
      retryAfterMs: RETRY_AFTER_MAX_S * 1_000,
    });
    expect(await get(43)).toMatchObject({ code: "unavailable" });
    expect(service.received).toHaveLength(1);
  });

  test("is none when the answer is final", async () => {
    const { service, get } = setUp();
    service.nextReplies.push(new Response("", { status: 400, headers: { "retry-after": "60" } }));
    expect(await get()).toMatchObject({ code: "unavailable", retryAfterMs: undefined });
    expect(await get()).toEqual(PRODUCT);
  });
});

describe("getProduct() answers", () => {
  test("undefined for an unknown SKU", async () => {
    const { service, getNow } = setUp();
    service.reply = () => status(404);
    expect(await getNow()).toBeUndefined();
  });

  test.each([
    ["a wrong token", () => status(401)],
    ["another refusal", () => status(400)],
    ["a redirect", () => Response.redirect("http://elsewhere/get_product")],
    ["what is not JSON", () => new Response(`<p>${SECRET}</p>`)],
    ["a product without a name", () => Response.json({ price: 1, token: SECRET })],
    ["a price out of range", () => Response.json({ name: "a", price: 2 ** 32 })],
    ["a price that is a fraction", () => Response.json({ name: "a", price: 0.5 })],
    ["an endless answer", () => new Response("x".repeat(2 ** 21))],
  ])("unavailable for %s, after one try and without the token", async (_name, reply) => {
    const { service, get } = setUp();
    service.reply = reply;
    const error = await get() as Error;
    expect(error).toMatchObject({ code: "unavailable", cause: { name: "ProductFault" } });
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain(SECRET);
    expect(service.received).toHaveLength(1);
  });

  test("the deadline when that passes while it waits for an answer", async () => {
    const { service, get } = setUp();
    service.reply = () => "hang";
    expect(await get(42, 1_000)).toMatchObject({ code: "deadline_exceeded" });
    expect(service.received).toHaveLength(1);
  });
});

describe("listSkus()", () => {
  test("requests a page and resolves with its SKUs", async () => {
    const { clock, service, client, context } = setUp();
    const page = client.listSkus(5, 2, context());
    await clock.advance(0);
    expect(await page).toEqual([1, 2]);
    expect(service.received[0]).toMatchObject({
      url: "http://products:8090/list_skus",
      body: { token: SECRET, startAfterSku: 5, count: 2 },
    });
  });

  test("is unavailable when there is no such method", async () => {
    const { clock, service, client, context } = setUp();
    service.reply = () => status(404);
    const page = client.listSkus(5, 2, context());
    await Promise.all([
      expect(page).rejects.toMatchObject({ code: "unavailable" }),
      clock.advance(0),
    ]);
  });
});

test("close() ends calls in progress and refuses later ones", async () => {
  const { clock, service, client, context } = setUp();
  service.reply = () => "hang";
  const waiting = client.getProduct(42, context());
  const closed = expect(waiting).rejects.toMatchObject({
    code: "unavailable",
    message: "The product client is closed",
  });
  await clock.advance(10);
  client.close();
  await closed;
  await expect(client.getProduct(42, context())).rejects.toMatchObject({ code: "unavailable" });
  await expect(client.listSkus(0, 1, context())).rejects.toMatchObject({ code: "unavailable" });
});
