import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { freePorts } from "../stack/ports.ts";
import type { Runtime } from "../stack/processes/runtimes.ts";
import { startOwnCart } from "./alone.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { newDataDirectory, removeDirectory } from "./own-stack.ts";
import { expectProblem } from "./problems.ts";

const shop = inject("shop");
/** Our functions that every request to cart calls. */
const ON_THE_WAY = /\b(dispatcher|answerText|answerProblem|rawPath|childTraceparent)\b/;
const runtimes: Runtime[] = ["node", "deno"];

const goVersion = spawnSync("go", ["version"], { encoding: "utf8" });
const hasGo = goVersion.status === 0;
if (!hasGo) process.stdout.write("skips the tests with go tool pprof: go is not installed\n");

describe.each(runtimes)("profiles on %s", (runtime) => {
  let cart: Awaited<ReturnType<typeof startOwnCart>>;
  let debug: string;
  const directory = newDataDirectory();

  beforeAll(async () => {
    const [port] = await freePorts(1);
    debug = `http://127.0.0.1:${port}`;
    cart = await startOwnCart(shop, { CART_PROFILE: `127.0.0.1:${port}` }, runtime);
  });
  afterAll(async () => {
    await cart.close();
    removeDirectory(directory);
  });

  /** Sends requests to cart until `done` has resolved. */
  async function busyUntil<Result>(done: Promise<Result>): Promise<Result> {
    let isDone = false;
    void done.finally(() => isDone = true).catch(() => {});
    while (!isDone) {
      await Promise.all(Array.from({ length: 20 }, (_, n) => call(cart.url, `GET /made-up/${n}`)));
    }
    return await done;
  }

  async function download(path: string): Promise<Uint8Array> {
    const answer = await fetch(`${debug}/debug/pprof/${path}`);
    expect(answer.status).toBe(200);
    return new Uint8Array(await answer.arrayBuffer());
  }

  function top(name: string, bytes: Uint8Array): string {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    const { stdout, stderr, status } = spawnSync(
      "go",
      ["tool", "pprof", "-top", "-cum", "-nodecount=5000", path],
      { encoding: "utf8", env: { ...process.env, PPROF_TMPDIR: directory } },
    );
    expect(status, stderr).toBe(0);
    return stdout;
  }

  test("the index lists the profiles", async () => {
    const answer = await call(debug, "GET /debug/pprof/");
    expect(answer.status).toBe(200);
    expect(answer.text).toContain("profile?seconds=N");
  });

  test("a CPU profile is gzipped and names our files and functions", async () => {
    // The fewer samples a slow machine takes, the fewer functions are among them.
    await eventually(async () => {
      const bytes = await busyUntil(download("profile?seconds=1"));
      const raw = gunzipSync(bytes).toString("latin1");
      expect(raw).toContain("shared/http/");
      expect(raw).not.toContain("file:///");
      if (!hasGo) return;
      const text = top("cpu.pb.gz", bytes);
      expect(text).toContain("Type: cpu");
      expect(text).toMatch(ON_THE_WAY);
    });
  });

  test.skipIf(!hasGo)("go tool pprof reads a heap profile", async () => {
    expect(top("heap.pb.gz", await download("heap"))).toContain("Type: inuse_space");
  });

  /**
   * Requests a profile and resolves once it is being taken. Two requests over two connections may
   * arrive in either order, so it tries again when another request was first.
   */
  function startProfile(seconds: number, signal: AbortSignal) {
    return eventually(async () => {
      const first = fetch(`${debug}/debug/pprof/profile?seconds=${seconds}`, { signal });
      let status: number | undefined;
      first.then((answer) => status = answer.status, () => {});
      expectProblem(await call(debug, "GET /debug/pprof/profile?seconds=1"), 429);
      expect(status).toBeUndefined();
      return { first };
    });
  }

  test("a second CPU profile is refused until the client of the first disconnects", async () => {
    const leaving = new AbortController();
    const { first } = await startProfile(100, leaving.signal);
    leaving.abort();
    await expect(first).rejects.toThrow();
    await eventually(() => download("profile?seconds=1"));
  });

  test.each(["0", "1e9", "1000000000", "121", "-1", "1.5", "ten", ""])(
    "seconds=%s is refused with the allowed range",
    async (seconds) => {
      const answer = await call(debug, `GET /debug/pprof/profile?seconds=${seconds}`);
      expectProblem(answer, 400, ["seconds"]);
      expect(answer.body["detail"]).toContain("from 1 to 120");
    },
  );

  test("the level of the log changes while the service runs", async () => {
    const lines = () =>
      cart.process.output().split("\n").filter((line) => line.includes('"http_route":"/healthz"'));
    expect((await call(cart.url, "GET /healthz")).status).toBe(200);
    const answer = await fetch(`${debug}/debug/log-level?level=debug`, { method: "PUT" });
    expect(await answer.json()).toEqual({ level: "debug" });
    await call(cart.url, "GET /healthz");
    await eventually(() => expect(lines()).toHaveLength(1));
    expect(JSON.parse(lines()[0] ?? "")).toMatchObject({
      service: "cart",
      level: "debug",
      http_request_method: "GET",
      http_response_status_code: 200,
      http_response_body_size: expect.any(Number),
      duration_ms: expect.any(Number),
    });
    await fetch(`${debug}/debug/log-level?level=info`, { method: "PUT" });
  });

  test("the public listeners serve no profiles", async () => {
    expectProblem(await call(cart.url, "GET /debug/pprof/heap"), 404);
    expectProblem(await call(cart.url, "GET /debug/log-level"), 404);
  });
});
