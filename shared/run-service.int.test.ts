import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SHUTDOWN_GRACE_MS } from "./lifecycle.ts";
import { LOADED, START_ON_MESSAGE } from "./run-service.ts";

const FIXTURE = fileURLToPath(new URL("run-service-fixture.ts", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "-A"] : [];
const NOTED = /"message":"([^"]*)"/g;

/**
 * Runs the fixture and sends `signal`, if there is one, as soon as it says `word`. Resolves with
 * its exit code, what it logged and what it said.
 */
async function run(behaviour: string, word: string, signal?: NodeJS.Signals) {
  return await ending(start([behaviour]), word, signal);
}

function start(args: readonly string[]): ChildProcess {
  const stdio = ["ignore", "pipe", "inherit", "ipc"] as const;
  return spawn(process.execPath, [...RUN, FIXTURE, ...args], { stdio: [...stdio] });
}

async function ending(child: ChildProcess, word: string, signal?: NodeJS.Signals) {
  let said = "";
  let isSent = false;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (!signal || isSent || !said.includes(word)) return;
    isSent = true;
    process.kill(child.pid as number, signal);
  });
  // Node emits no "close" once the channel has been closed from here.
  const [[code]] = await Promise.all([once(child, "exit"), once(child.stdout as Readable, "end")]);
  return { code, noted: [...said.matchAll(NOTED)].map(([, message]) => message), said };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s while the modules load ends with 0",
  async (signal) => {
    expect(await run("loading", "loading", signal)).toMatchObject({ code: 0, noted: [] });
  },
);

test("with --start-on-message the start follows the first message", async () => {
  const child = start(["starting", START_ON_MESSAGE]);
  const ended = ending(child, "starting", "SIGTERM");
  expect(await once(child, "message")).toEqual([LOADED, undefined]);
  child.send("start");
  expect(await ended).toMatchObject({ code: 0, said: expect.stringMatching(/^starting\n/) });
});

test("a process that waits for its message exits with 0 when the channel closes", async () => {
  const child = start(["starting", START_ON_MESSAGE]);
  const ended = ending(child, "never");
  await once(child, "message");
  child.disconnect();
  expect(await ended).toMatchObject({ code: 0, said: "" });
});

test("a signal ends a process that waits for its message with 0", async () => {
  const child = start(["starting", START_ON_MESSAGE]);
  const ended = ending(child, "never");
  await once(child, "message");
  process.kill(child.pid as number, "SIGTERM");
  expect(await ended).toMatchObject({ code: 0, said: "" });
});

test("a start that hangs does not delay a stop", async () => {
  expect(await run("starting", "starting", "SIGTERM"))
    .toMatchObject({ code: 0, noted: ["stopped before the start was complete"] });
});

test("a step that hangs is left behind with its name, and the rest is closed", async () => {
  const { code, said } = await run("late", "serving", "SIGTERM");
  expect(code).toBe(0);
  expect(said).toMatch(
    /closing\nclosed\n{.*"exiting before everything was closed","late":\["the slow one"\]}/,
  );
});

test("a stop that fails exits with 1", async () => {
  const { code, said } = await run("broken", "serving", "SIGTERM");
  expect(code).toBe(1);
  expect(said).toContain("the start failed");
});

test("a stop that takes longer than the grace exits with 1", async () => {
  expect(await run("hanging", "serving", "SIGTERM"))
    .toMatchObject({ code: 1, noted: ["the service did not close in time"] });
}, 2 * SHUTDOWN_GRACE_MS);

test("a service that fails exits with 1 and the reason", async () => {
  const { code, said } = await run("failing", "serving");
  expect(code).toBe(1);
  expect(said).toContain("the start failed");
});
