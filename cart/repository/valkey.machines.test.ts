import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { newDataDirectory, removeDirectory } from "../../e2e/own-stack.ts";
import { startStoreServer, type StoreServer } from "../../e2e/machines/store-server.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { NO_TRACING } from "../../shared/telemetry/tracing.ts";
import { readStoreUrl } from "../../shared/valkey/store-url.ts";
import { Valkey } from "../../shared/valkey/valkey.ts";
import { TTL_MS } from "../test/carts-under-test.ts";
import { cartsContract } from "./carts-contract.ts";
import { ValkeyCarts } from "./valkey.ts";

const stores = inject("stores");
const TRACEPARENT = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
const context = (timeoutMs = 5_000) => new RequestContext({ traceparent: TRACEPARENT, timeoutMs });

describe.skipIf(!stores).each(["redis-server", "valkey-server"] as const)("%s", (name) => {
  let server: StoreServer;
  let directory: string;
  const opened: Valkey[] = [];
  let keys = 0;

  beforeAll(async () => {
    directory = newDataDirectory();
    server = await startStoreServer({ program: stores?.[name] as string, directory });
  });
  beforeEach(() => server.command("flushall"));
  afterAll(async () => {
    for (const client of opened) client.close();
    await server.kill();
    removeDirectory(directory);
  });

  function connect(): Valkey {
    const address = readStoreUrl(`redis://127.0.0.1:${server.port}`);
    const client = new Valkey({
      ...{ address, tls: {}, name: "carts", metrics: new Metrics("cart"), tracing: NO_TRACING },
      onError: () => {},
    });
    opened.push(client);
    return client;
  }

  let process: ReturnType<typeof startProcess> | undefined;
  function startProcess() {
    const counted = { expired: 0 };
    const carts = new ValkeyCarts({
      store: connect(),
      attempts: connect(),
      newIdempotencyKey: () => `key-${++keys}`,
      ttlMs: TTL_MS,
      onExpired: (ended) => counted.expired += ended,
    });
    return { carts, counted };
  }

  cartsContract(`ValkeyCarts on ${name}`, async () => {
    process ??= startProcess();
    const { carts } = process;
    return {
      carts,
      size: () => carts.size(context()),
      advance: (ms) => letTimePass(server, ms),
    };
  });

  test("carts that were left behind are counted once, and take no memory", async () => {
    const [one, other] = [startProcess(), startProcess()];
    const limits = { countMax: 10, linesMax: 10 };
    for (let user = 1n; user <= 1_000n; user++) {
      await one.carts.addItem(user, { sku: 1, count: 1 }, limits, context());
    }
    await letTimePass(server, TTL_MS);
    for (let calls = 0; calls < 10; calls++) {
      await Promise.all([one.carts.size(context()), other.carts.size(context())]);
    }
    expect(await other.carts.size(context())).toEqual({ carts: 0, lines: 0 });
    expect(one.counted.expired + other.counted.expired).toBe(1_000);
    expect(await server.command("keys", "*")).toEqual(
      expect.arrayContaining([expect.stringMatching(/:lines$/)]),
    );
  });
});

/** Moves the ends of everything in the store, whose clock cannot be set, to `ms` earlier. */
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
