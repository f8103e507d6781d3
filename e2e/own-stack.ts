import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { identify } from "../stack/processes/identity.ts";
import { allOn } from "../stack/services.ts";
import { type Stack, type StackOptions, startStack } from "../stack/start.ts";
import { suiteRuntime } from "./runtime.ts";

/** Where a running stack is found. */
export type SharedShop = Pick<Stack, "urls" | "databases" | "logDirectory">;

const DIRECTORY_PREFIX = "marketplace-e2e-";

/** A directory of this run; those of killed runs are removed. */
export function newDataDirectory(): string {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(DIRECTORY_PREFIX)) continue;
    const pid = Number(name.slice(DIRECTORY_PREFIX.length).split("-")[0]);
    if (!identify(pid)) removeDirectory(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`));
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** A stack on free ports whose data go with it. */
export async function startOwnStack(
  options: Partial<Omit<StackOptions, "ports" | "dataDirectory">> = {},
): Promise<Stack> {
  const dataDirectory = newDataDirectory();
  const runtimes = allOn(suiteRuntime());
  const own = { dataDirectory, ports: "free", durable: false } as const;
  const stack = await startStack({ runtimes, ...options, ...own });
  return {
    ...stack,
    async close() {
      await stack.close();
      removeDirectory(dataDirectory);
    },
  };
}
