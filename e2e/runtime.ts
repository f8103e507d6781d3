import process from "node:process";
import type { Runtime } from "../stack/processes/runtimes.ts";

/**
 * What TEST_RUNTIME wants every service of the suite to run on; without it each runs on the one
 * that serves it best, as `npm start` does.
 */
export function suiteRuntime(): Runtime | undefined {
  const { TEST_RUNTIME: runtime } = process.env;
  if (!runtime) return undefined;
  if (runtime === "node" || runtime === "deno") return runtime;
  throw new Error(`TEST_RUNTIME is node or deno, not ${runtime}`);
}
