import process from "node:process";
import type { Runtime } from "../stack/processes/runtimes.ts";

/**
 * The runtime in TEST_RUNTIME for every service of the suite. Without it services run as with
 * `npm start`.
 */
export function suiteRuntime(): Runtime | undefined {
  const { TEST_RUNTIME: runtime } = process.env;
  if (!runtime) return undefined;
  if (runtime === "node" || runtime === "deno") return runtime;
  throw new Error(`TEST_RUNTIME is node or deno, not ${runtime}`);
}
