import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { identify, isRunning, type ProcessIdentity } from "./processes/identity.ts";
import { readStack } from "./stack-file.ts";
import { type RunningProgram, runProgram } from "./test/run-program.ts";

const START_TIMEOUT_MS = 60_000;
/** A proxy that does not answer, so the stack must not use it. */
const DEAD_PROXY = {
  HTTP_PROXY: "http://127.0.0.1:1",
  http_proxy: "http://127.0.0.1:1",
  ALL_PROXY: "http://127.0.0.1:1",
  NODE_USE_ENV_PROXY: "1",
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "launcher "));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** It ends with its test, so that a failed test leaves no stack to the next one. */
function run(args: readonly string[], settings: Record<string, string> = {}): RunningProgram {
  const program = runProgram([process.execPath, ...args], {
    ...{ STACK_DATA: directory, ...DEAD_PROXY, ...settings },
  });
  const identity = identify(program.pid);
  onTestFinished(async () => {
    if (identity && isRunning(identity)) program.signal("SIGTERM");
    await program.ended;
  });
  return program;
}

async function start(settings: Record<string, string> = {}): Promise<RunningProgram> {
  const launcher = run(["stack/main.ts", "--free-ports"], settings);
  await vi.waitFor(() => {
    expect(launcher.said.err).toContain("Ctrl-C stops everything");
    expect(launcher.said.out).toContain('"message":"ready"');
  }, { timeout: START_TIMEOUT_MS, interval: 50 });
  return launcher;
}

/** The processes that the launcher has started and that must not outlive it. */
function partsOf(launcher: RunningProgram): ProcessIdentity[] {
  const { children } = JSON.parse(readFileSync(join(directory, "launcher.json"), "utf8")) as {
    children: ProcessIdentity[];
  };
  const servers = ["primary", "standby1"].flatMap((name) => {
    const path = join(directory, "postgres", name, "postmaster.pid");
    return identify(Number(readFileSync(path, "utf8").split("\n")[0])) ?? [];
  });
  const parts = [...children, ...servers];
  expect(parts.filter(isRunning), launcher.said.err).toHaveLength(6);
  return parts;
}

test(
  "npm start runs all parts, refuses a second start and a reset, and stops on SIGTERM",
  async () => {
    const launcher = await start();
    const parts = partsOf(launcher);
    const lines = launcher.said.out.trim().split("\n");
    expect(lines.every((line) => line.startsWith('{"service":"'))).toBe(true);
    expect(launcher.said.err).not.toContain("postgres://");

    const refusal = `The stack already runs in ${directory} (process ${launcher.pid})`;
    for (const command of [["stack/main.ts", "--free-ports"], ["stack/reset.ts"]]) {
      const second = run(command);
      expect(await second.ended).toBe(1);
      expect(second.said.err).toBe(`${refusal}: stop it first\n`);
    }

    const demo = run(["tools/demo.ts"]);
    expect(await demo.ended, demo.said.out).toBe(0);
    expect(demo.said.out).toMatch(/\ndemo: [0-9]+ steps, all as promised\n$/);

    // It gets both when it continues. The system keeps one signal of a kind.
    launcher.signal("SIGSTOP");
    launcher.signal("SIGTERM");
    launcher.signal("SIGINT");
    launcher.signal("SIGCONT");
    expect(await launcher.ended, launcher.said.out).toBe(0);
    expect(parts.filter(isRunning)).toEqual([]);
    expect(readdirSync(directory).toSorted()).toEqual(["logs", "postgres"]);
  },
  2 * START_TIMEOUT_MS,
);

test("a reader that closes the pipe, such as head, stops everything", async () => {
  const launcher = run(["stack/main.ts", "--free-ports"]);
  launcher.closeReader();
  expect(await launcher.ended).toBe(0);
  expect(readdirSync(directory).toSorted()).toEqual(["logs", "postgres"]);
}, START_TIMEOUT_MS);

test(
  "after kill -9 of the launcher every process ends, and the next start has the orders",
  async () => {
    const killed = await start();
    const parts = partsOf(killed);
    killed.signal("SIGKILL");
    await vi.waitFor(() => expect(parts.filter(isRunning)).toEqual([]), { timeout: 10_000 });

    const next = await start({ ORDER_PAYMENT_TIMEOUT: "5m" });
    const answer = await fetch(`${readStack(directory)?.urls.loms}/v1/order/info`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"orderID": 1}',
    });
    expect(await answer.json()).toMatchObject({ status: "payed" });
    next.signal("SIGINT");
    expect(await next.ended).toBe(0);
  },
  3 * START_TIMEOUT_MS,
);

test(
  "a service that cannot start ends the start with its message, and leaves nothing",
  async () => {
    const launcher = run(["stack/main.ts", "--free-ports"], {
      ...{ KAFKA_BROKERS: "127.0.0.1:1", KAFKA_TLS: "true", KAFKA_TLS_CA: "/nowhere/ca.pem" },
    });
    expect(await launcher.ended).toBe(1);
    expect(launcher.said.err).toMatch(/(loms|notifier) did not start \(exit code 1\):\n/);
    expect(launcher.said.err).toContain("KAFKA_TLS_CA: cannot be read (ENOENT)");
    expect(readdirSync(directory)).not.toContain("launcher.json");
  },
  START_TIMEOUT_MS,
);

test("every wrong setting of every service is reported once, before anything starts", async () => {
  const launcher = run(["stack/main.ts", "--free-ports"], {
    ...{ LOG_LEVEL: "loud", ORDER_PAYMENT_TIMEOUT: "soon", PRODUCT_CACHE_TTL: "abc" },
    ...{ CART_HTTP: "x", NOTIFIER_HTTP: "y", KAFKA_BROKERS: "z" },
  });
  expect(await launcher.ended).toBe(1);
  expect(launcher.said.out).toBe("");
  const [head, ...problems] = launcher.said.err.trim().split("\n");
  expect(head).toBe("Wrong settings:");
  expect(problems.map((line) => line.trim().split(":")[0]).toSorted()).toEqual([
    ...["CART_HTTP", "KAFKA_BROKERS.0", "LOG_LEVEL", "NOTIFIER_HTTP"],
    ...["ORDER_PAYMENT_TIMEOUT", "PRODUCT_CACHE_TTL"],
  ]);
}, START_TIMEOUT_MS);

test("a port in use is reported before anything starts", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const launcher = run(["stack/main.ts", "--free-ports"], { CART_HTTP: `127.0.0.1:${port}` });
  expect(await launcher.ended).toBe(1);
  expect(launcher.said.err).toMatch(
    new RegExp(`^Another process listens on CART_HTTP 127.0.0.1:${port}: .*\n$`),
  );
  expect(launcher.said.out).toBe("");
  server.close();
}, START_TIMEOUT_MS);

test("npm run reset empties the directory", async () => {
  const reset = run(["stack/reset.ts"]);
  expect(await reset.ended).toBe(0);
  expect(readdirSync(directory)).toEqual([]);
});
