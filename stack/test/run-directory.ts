import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { identify } from "../processes/identity.ts";

/**
 * Makes a temporary directory of this process. Directories with the same prefix that killed
 * processes of the same user have left are removed first; another user's would not be writable.
 */
export function newRunDirectory(prefix: string, uid = process.getuid?.()): string {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const path = join(tmpdir(), name);
    const pid = Number(name.slice(prefix.length).split("-")[0]);
    const owner = lstatSync(path, { throwIfNoEntry: false })?.uid;
    if (owner === uid && !identify(pid)) rmSync(path, { recursive: true, force: true });
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}
