import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLauncherLock } from "./launcher-lock.ts";
import { identify, isRunning, type ProcessIdentity } from "./processes/identity.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "launcher-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const own = identify(process.pid) as ProcessIdentity;
/** A dead process with our PID. */
const dead: ProcessIdentity = { pid: process.pid, startedAt: "before" };

function leaveLock(children: readonly ProcessIdentity[]): void {
  const path = join(directory, "launcher.json");
  writeFileSync(path, JSON.stringify({ launcher: dead, children }));
}

test("takeLauncherLock() throws while the owner runs; release() leaves no file", async () => {
  const lock = await takeLauncherLock(directory);
  lock.record([own]);
  await expect(takeLauncherLock(directory)).rejects.toThrow(
    `The stack already runs in ${directory} (process ${process.pid}): stop it first`,
  );
  lock.release();
  expect(readdirSync(directory)).toEqual([]);
});

test("takeLauncherLock() takes over from a dead launcher and ends its processes", async () => {
  const child = spawn("sleep", ["60"]);
  const left = identify(child.pid as number) as ProcessIdentity;
  leaveLock([left]);
  const lock = await takeLauncherLock(directory);
  expect(isRunning(left)).toBe(false);
  lock.release();
  expect(existsSync(join(directory, "launcher.json"))).toBe(false);
});

test("takeLauncherLock() spares a process that reuses the PID of a recorded one", async () => {
  leaveLock([dead]);
  (await takeLauncherLock(directory)).release();
  expect(isRunning(own)).toBe(true);
});

test("takeLauncherLock() succeeds for one of several concurrent callers", async () => {
  leaveLock([]);
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => takeLauncherLock(directory)),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});
