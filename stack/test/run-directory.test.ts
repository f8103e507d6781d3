import { existsSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { newRunDirectory } from "./run-directory.ts";

const PREFIX = `run-directory-test-${process.pid}-`;
/** Above the largest process id of Linux. */
const DEAD_PID = 2 ** 22 + 1;

test("newRunDirectory() removes directories of killed processes of the same user", () => {
  const abandoned = join(tmpdir(), `${PREFIX}${DEAD_PID}-left`);
  mkdirSync(abandoned);
  const uid = process.getuid?.() as number;
  const made = [newRunDirectory(PREFIX, { uid: uid + 1 })];
  try {
    expect(existsSync(abandoned)).toBe(true);
    made.push(newRunDirectory(PREFIX, { uid }));
    expect(existsSync(abandoned)).toBe(false);
    expect(made.map((each) => existsSync(each))).toEqual([true, true]);
  } finally {
    for (const each of [abandoned, ...made]) rmSync(each, { recursive: true, force: true });
  }
});
