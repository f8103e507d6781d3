import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { startStoreServer, type StoreServer } from "../../e2e/machines/store-server.ts";
import { newDataDirectory, removeDirectory } from "../../e2e/own-stack.ts";
import { sleep, systemClock } from "../async/request-context.ts";
import { PRODUCT_LIMIT } from "../products/product-client.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { NO_TRACING } from "../telemetry/tracing.ts";
import { SharedRateLimit, type SharedRateLimitOptions } from "./shared-rate-limit.ts";
import { readStoreUrl } from "./store-url.ts";
import { Valkey } from "./valkey.ts";

const stores = inject("stores");
const { permits } = PRODUCT_LIMIT;
const ONE_AT_A_TIME = { permits: 1, windowMs: 200, useMaxMs: 100 };
/** A permit stays granted until its use is reported, and others wait, however slow the test is. */
const UNTIL_USED = { permits: 1, windowMs: 1_000, useMaxMs: 60_000 };
/** The window in which the product service counts. */
const SECOND_MS = 1_000;

describe.skipIf(!stores)("SharedRateLimit", () => {
  let server: StoreServer;
  let directory: string;
  let opened: Valkey[] = [];
  /** The time of arrival and the name of each use. */
  let arrivals: { at: number; name: string }[] = [];

  beforeAll(async () => {
    directory = newDataDirectory();
    const program = stores?.["redis-server"] as string;
    server = await startStoreServer({ program, directory });
  });
  beforeEach(async () => {
    arrivals = [];
    await server.command("flushall");
    // A server that is new to the limit first waits for permits that it may lack.
    const [run] = /(?<=run_id:)\w+/.exec(await server.command("info", "server") as string) ?? [];
    await server.command("hset", "limit:{test}:state", "server", run as string);
  });
  afterEach(() => {
    for (const store of opened) store.close();
    opened = [];
  });
  afterAll(async () => {
    await server.kill();
    removeDirectory(directory);
  });

  const queued = () => server.command("zcard", "limit:{test}:queue");
  const granted = () => server.command("zcard", "limit:{test}:granted");

  function openLimit(options: Partial<SharedRateLimitOptions> = {}): SharedRateLimit {
    const store = new Valkey({
      address: readStoreUrl(`redis://127.0.0.1:${server.port}`),
      ...{ tls: {}, name: "test", metrics: new Metrics("cart"), tracing: NO_TRACING },
      onError: () => {},
    });
    opened.push(store);
    return new SharedRateLimit("test", { ...PRODUCT_LIMIT, store, ...options });
  }

  function deadline(ms: number, signal = new AbortController().signal) {
    return { deadlineAt: systemClock.now() + ms, signal };
  }

  /** Takes a permit and makes a call that arrives and is answered a little later. */
  async function use(limit: SharedRateLimit, name: string, ms = 60_000): Promise<void> {
    const permit = await limit.acquire(deadline(ms));
    await sleep(systemClock, Math.random() * 20);
    arrivals.push({ at: systemClock.now(), name });
    await sleep(systemClock, Math.random() * 20);
    permit.used();
  }

  function mostInAnySecond(): number {
    const times = arrivals.map(({ at }) => at).sort((a, b) => a - b);
    return Math.max(
      ...times.map((from) => times.filter((at) => at >= from && at < from + SECOND_MS).length),
    );
  }

  test("serves two processes no more than ten in any second", async ({ task }) => {
    // A call that arrives after this time would count as earlier than it was.
    const useMaxMs = 10_000;
    const limits = [openLimit({ useMaxMs }), openLimit({ useMaxMs })];
    const startedAt = systemClock.now();
    await Promise.all(
      Array.from({ length: 60 }, (_, at) => use(limits[at % 2] as SharedRateLimit, "")),
    );
    expect(mostInAnySecond()).toBe(permits);
    const seconds = (systemClock.now() - startedAt) / 1_000;
    task.meta.figures = `shared limit: 60 permits in ${seconds.toFixed(1)} s`;
  });

  test("grants permits in the order of arrival, whatever the process", async () => {
    const limits = [openLimit(UNTIL_USED), openLimit(UNTIL_USED)];
    const first = await (limits[0] as SharedRateLimit).acquire(deadline(60_000));
    const uses: Promise<void>[] = [];
    for (const [at, name] of ["a", "b", "c", "d", "e"].entries()) {
      uses.push(use(limits[at % 2] as SharedRateLimit, name));
      await expect.poll(queued).toBe(at + 1);
    }
    first.used();
    await Promise.all(uses);
    expect(arrivals.map(({ name }) => name)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("refuses at once a permit that is due after the deadline", async () => {
    const limit = openLimit({ windowMs: 60_000 });
    await Promise.all(Array.from({ length: permits }, () => use(limit, "")));
    const caller = new AbortController();
    const first = limit.acquire(deadline(120_000, caller.signal));
    const second = limit.acquire(deadline(20_000));
    await expect(second).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(
        /^The product service is busy: its next call is in [0-9]+ ms, the deadline in [0-9]+ ms$/,
      ),
      retryAfterMs: expect.any(Number),
    });
    expect(await queued()).toBe(1);
    caller.abort(new Error("left"));
    await expect(first).rejects.toThrow("left");
  });

  test("removes a ticket when its caller disconnects", async () => {
    const limit = openLimit(UNTIL_USED);
    await limit.acquire(deadline(60_000));
    const caller = new AbortController();
    const left = limit.acquire(deadline(60_000, caller.signal));
    await expect.poll(queued).toBe(1);
    caller.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    await expect.poll(queued).toBe(0);
    expect(limit.waiting).toBe(0);
  });

  test("applies a pause to every process", async () => {
    const [one, other] = [openLimit(), openLimit()];
    one.pause(60_000);
    await expect.poll(() => server.command("hexists", "limit:{test}:state", "paused")).toBe(1);
    await expect(other.acquire(deadline(5_000))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/^The product service has requested a pause/),
    });
  });

  test("continues without a process that has died", async () => {
    const [one, other] = [openLimit(UNTIL_USED), openLimit(UNTIL_USED)];
    const permit = await other.acquire(deadline(60_000));
    void one.acquire(deadline(60_000)).catch(() => {});
    await expect.poll(queued).toBe(1);
    for (const store of opened.slice(0, 1)) store.close();
    permit.used();
    await use(other, "served");
    expect(arrivals.at(-1)).toMatchObject({ name: "served" });
  });

  test("grants nothing while permits may have been lost in a restart", async () => {
    const limit = openLimit();
    await Promise.all(Array.from({ length: permits }, () => use(limit, "before")));
    await server.kill();
    await server.restart();
    await server.command("flushall");
    await Promise.all(Array.from({ length: permits }, () => use(limit, "after")));
    expect(mostInAnySecond()).toBe(permits);
  });

  test("does not wait for permits of a server whose clock was ahead", async () => {
    const ahead = String(Date.now() + 60 * 60_000);
    const scored = Array.from({ length: permits }, (_, at) => [ahead, `permit ${at}`]).flat();
    await server.command("zadd", "limit:{test}:used", ...scored);
    await server.command("hset", "limit:{test}:state", "server", "another");
    await use(openLimit(), "", 10_000);
    expect(arrivals).toHaveLength(1);
  });

  test("grants no permit without the store", async () => {
    const limit = openLimit();
    await use(limit, "");
    server.pause();
    try {
      await expect(limit.acquire(deadline(1_000))).rejects.toMatchObject({ code: "unavailable" });
    } finally {
      server.resume();
    }
    await use(limit, "");
  });

  test("frees tickets and permits whose callers the store did not answer", async () => {
    const limit = openLimit(ONE_AT_A_TIME);
    await use(limit, "");
    await server.command("del", "limit:{test}:used");
    server.pause();
    try {
      const acquired = [1, 2].map(() => limit.acquire(deadline(60_000)));
      expect((await Promise.allSettled(acquired)).map(({ status }) => status))
        .toEqual(["rejected", "rejected"]);
    } finally {
      server.resume();
    }
    await expect.poll(() => server.command("hget", "limit:{test}:state", "arrivals")).toBe("1");
    await expect.poll(async () => [await queued(), await granted()]).toEqual([0, 0]);
  });
});
