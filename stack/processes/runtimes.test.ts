import process from "node:process";
import { expect, test } from "vitest";
import { findRuntime, ownRuntime } from "./runtimes.ts";

test("ownRuntime() names the runtime that this suite was started for", () => {
  expect(ownRuntime()).toBe(process.env.TEST_RUNTIME === "deno" ? "deno" : "node");
});

test("findRuntime() finds this process's own binary without a package", () => {
  expect(findRuntime(ownRuntime())).toBe(process.execPath);
});
