import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";

/** The path of the binary in each npm package; the entry in .bin may be a script around it. */
const BINARY_IN_PACKAGE = { node: "bin/node", deno: "deno" } as const;

export type Runtime = keyof typeof BINARY_IN_PACKAGE;

export function isRuntime(name: string): name is Runtime {
  return Object.hasOwn(BINARY_IN_PACKAGE, name);
}

/** The runtime of this process. */
export function ownRuntime(): Runtime {
  return "deno" in process.versions ? "deno" : "node";
}

/**
 * The binary of a runtime: this process's own, or the npm package's; undefined if there is none.
 */
export function findRuntime(runtime: Runtime): string | undefined {
  if (runtime === ownRuntime()) return process.execPath;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${runtime}/package.json`);
    const path = join(dirname(manifest), BINARY_IN_PACKAGE[runtime]);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The command that runs a TypeScript file of the project. */
export function commandFor(runtime: Runtime, main: string, denoFlags: readonly string[]): string[] {
  const binary = findRuntime(runtime);
  if (!binary) throw new Error(`${runtime} is not installed: run npm ci`);
  return runtime === "node" ? [binary, main] : [binary, "run", ...denoFlags, main];
}
