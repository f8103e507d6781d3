import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DATA_DIRECTORY } from "./stack-file.ts";
import { takeLauncherLock } from "./launcher-lock.ts";
import { stopLeftoverPair } from "./postgres/pair.ts";

/** Moved here first, so that a start never finds a partial data directory under its name. */
const REMOVED = "removed";

try {
  process.stdout.write(await reset(process.env.STACK_DATA || DATA_DIRECTORY) + "\n");
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

/** @throws {Error} while a stack runs there */
async function reset(dataDirectory: string): Promise<string> {
  if (!existsSync(dataDirectory)) return `${dataDirectory} is empty`;
  const lock = await takeLauncherLock(dataDirectory);
  try {
    await stopLeftoverPair(join(dataDirectory, "postgres"));
    const removed = join(dataDirectory, REMOVED);
    rmSync(removed, { recursive: true, force: true });
    const names = readdirSync(dataDirectory).filter((name) => !name.startsWith("launcher.json"));
    mkdirSync(removed);
    for (const name of names) renameSync(join(dataDirectory, name), join(removed, name));
    rmSync(removed, { recursive: true, force: true });
  } finally {
    lock.release();
  }
  return `${dataDirectory} is empty now`;
}
