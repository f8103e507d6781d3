import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { startStoreServer, type StoreServer } from "../../e2e/machines/store-server.ts";
import { newDataDirectory, removeDirectory } from "../../e2e/own-stack.ts";
import type { CheckoutAttempt } from "../domain/deps.ts";
import { LIMITS, TTL_MS } from "../test/carts-under-test.ts";
import { openTestStore, testContext, type TestStore } from "../test/store-client.ts";
import { cartsContract } from "./carts-contract.ts";
import type { ValkeyCartsOptions } from "./valkey.ts";

const stores = inject("stores");

describe.skipIf(!stores).each(["redis-server", "valkey-server"] as const)("%s", (name) => {
  let server: StoreServer;
  let directory: string;
  const opened: TestStore[] = [];

  beforeAll(async () => {
    directory = newDataDirectory();
    server = await startStoreServer({ program: stores?.[name] as string, directory });
  });
  beforeEach(() => server.command("flushall"));
  afterAll(async () => {
    for (const store of opened) store.close();
    await server.kill();
    removeDirectory(directory);
  });

  const url = () => `redis://127.0.0.1:${server.port}`;

  function openStore(options?: Partial<ValkeyCartsOptions>): TestStore {
    const store = openTestStore(url(), {}, options);
    opened.push(store);
    return store;
  }

  let shared: TestStore | undefined;

  cartsContract(`ValkeyCarts on ${name}`, async () => {
    shared ??= openStore();
    const { carts } = shared;
    return {
      carts,
      size: () => carts.size(testContext()),
      advance: (ms) => letTimePass(server, ms),
    };
  });

  test("an attempt that met an overload leaves its key to the next one", async () => {
    const { carts } = openStore();
    await carts.addItem(1n, { sku: 1, count: 1 }, LIMITS, testContext());
    const begin = async () => {
      const { revision } = await carts.readToOrder(1n, testContext()) as { revision: unknown };
      return await carts.beginAttempt(1n, revision, [], testContext()) as CheckoutAttempt;
    };
    const first = await begin();
    await carts.endAttempt(1n, first, { unlessShared: true }, testContext());
    expect(await begin()).toEqual(first);
  });

  test("expired carts are counted once and removed from memory", async () => {
    let expired = 0;
    const onExpired = (ended: number) => expired += ended;
    const [one, other] = [openStore({ onExpired }), openStore({ onExpired })];
    for (let user = 1n; user <= 1_000n; user++) {
      await one.carts.addItem(user, { sku: 1, count: 1 }, LIMITS, testContext());
    }
    await letTimePass(server, TTL_MS);
    for (let calls = 0; calls < 10; calls++) {
      await Promise.all([one.carts.size(testContext()), other.carts.size(testContext())]);
    }
    expect(await other.carts.size(testContext())).toEqual({ carts: 0, lines: 0 });
    expect(expired).toBe(1_000);
    expect(await server.command("keys", "*")).toEqual(
      expect.arrayContaining([expect.stringMatching(/:lines$/)]),
    );
  });
});

/** Moves every expiry in the store, whose clock cannot be set, `ms` earlier. */
async function letTimePass(server: StoreServer, ms: number): Promise<void> {
  await server.command(
    "eval",
    `for _, key in ipairs(redis.call("KEYS", "*")) do
       local left = redis.call("PTTL", key)
       if left >= 0 then redis.call("PEXPIRE", key, left - ARGV[1]) end
       if string.find(key, ":ends$") then
         for _, user in ipairs(redis.call("ZRANGE", key, 0, -1)) do
           redis.call("ZINCRBY", key, -ARGV[1], user)
         end
       end
     end`,
    "0",
    String(ms),
  );
}
