import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { identify } from "../processes/identity.ts";

/**
 * Creates a directory of this process in `parent`. First removes directories with the same prefix
 * that killed processes of the same user have left; those of other users are not writable.
 */
export function newRunDirectory(
  prefix: string,
  { parent = tmpdir(), uid = process.getuid?.() } = {},
): string {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const pid = Number(name.slice(prefix.length).split("-")[0]);
    const owner = lstatSync(path, { throwIfNoEntry: false })?.uid;
    if (owner === uid && !identify(pid)) rmSync(path, { recursive: true, force: true });
  }
  return mkdtempSync(join(parent, `${prefix}${process.pid}-`));
}
