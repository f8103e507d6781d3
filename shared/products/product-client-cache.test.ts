import { describe, expect, test } from "vitest";
import { PRODUCT, setUp, status } from "./test/product-client.ts";

describe("getProduct() remembers", () => {
  const minutes = (count: number) => count * 60_000;

  test("a product as fresh for its time to live", async () => {
    const { clock, service, client, getNow } = setUp({ cacheTtlMs: minutes(1) });
    await getNow();
    await clock.advance(minutes(1) - 1);
    expect(await getNow()).toEqual(PRODUCT);
    expect(service.received).toHaveLength(1);
    expect(client.stats()).toMatchObject({ misses: 1, fresh: 1, stale: 0, entries: 1 });
  });

  test("a stale product while one refresh runs", async () => {
    const { clock, service, client, context, getNow } = setUp({ cacheTtlMs: minutes(1) });
    await getNow();
    await clock.advance(minutes(1));
    service.latencyMs = 10;
    service.nextReplies.push(Response.json({ name: "New", price: 7 }));
    const answers = [1, 2, 3].map(() => client.getProduct(42, context()));
    expect(await Promise.all(answers)).toEqual([PRODUCT, PRODUCT, PRODUCT]);
    await clock.advance(10);
    expect(await getNow()).toEqual({ name: "New", price: 7 });
    expect(service.received).toHaveLength(2);
    expect(client.stats()).toMatchObject({ stale: 3, fresh: 1 });
  });

  test("a stale product up to 10 minutes while refreshes fail, with a pause between", async () => {
    const { clock, service, client, get, getNow } = setUp({ cacheTtlMs: minutes(1) });
    await getNow();
    await clock.advance(minutes(1));
    service.reply = () => status(401);
    await getNow();
    await clock.advance(999);
    expect(await getNow()).toEqual(PRODUCT);
    expect(service.received).toHaveLength(2);
    await clock.advance(1);
    await getNow();
    expect(service.received).toHaveLength(3);
    expect(client.stats().refreshFailures).toBe(2);
    await clock.advance(minutes(9));
    expect(await get()).toMatchObject({ code: "unavailable" });
  });

  test("an unknown SKU for 5 seconds", async () => {
    const { clock, service, client, getNow } = setUp({ cacheTtlMs: minutes(1) });
    service.nextReplies.push(status(404));
    expect(await getNow()).toBeUndefined();
    await clock.advance(4_999);
    expect(await getNow()).toBeUndefined();
    expect(client.stats().unknown).toBe(1);
    await clock.advance(1);
    expect(await getNow()).toEqual(PRODUCT);
  });

  test("no failure", async () => {
    const { service, get } = setUp({ cacheTtlMs: minutes(1) });
    service.nextReplies.push(status(401));
    expect(await get()).toMatchObject({ code: "unavailable" });
    expect(await get()).toEqual(PRODUCT);
  });

  test("nothing at all with a time to live of 0", async () => {
    const { clock, service, client, getNow } = setUp({ cacheTtlMs: 0 });
    service.nextReplies.push(status(404));
    await getNow();
    await getNow();
    await clock.advance(5_000);
    await getNow();
    expect(service.received).toHaveLength(3);
    expect(client.stats().entries).toBe(0);
  });

  test("no more SKUs than its bound, those used last", async () => {
    const { service, getNow, client } = setUp({ cacheTtlMs: minutes(1), cacheEntriesMax: 2 });
    for (const sku of [1, 2, 1, 3, 1]) await getNow(sku);
    expect(service.received.map(({ body }) => body.sku)).toEqual([1, 2, 3]);
    expect(client.stats().entries).toBe(2);
  });
});
