import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * Fails the process if generated files are not current.
 * @param prefix of a new folder for the files, removed at the end
 * @param findStale generates the files there and returns the committed ones that differ
 */
export async function checkGenerated(
  prefix: string,
  findStale: (fresh: string) => string[] | Promise<string[]>,
): Promise<void> {
  const fresh = mkdtempSync(prefix);
  try {
    const names = await findStale(fresh);
    if (names.length === 0) return;
    process.stderr.write(`Not current, run "npm run generate": ${names.join(", ")}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

/** The files below `committed` that are missing, obsolete or different from those of `fresh`. */
export function staleFiles(fresh: string, committed: string): string[] {
  const names = new Set([...filesBelow(fresh), ...filesBelow(committed)]);
  return [...names]
    .filter((name) => textOf(join(fresh, name)) !== textOf(join(committed, name)))
    .map((name) => join(committed, name));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" });
}

/** Undefined for a folder, and for a file that does not exist. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "base64");
  } catch {
    return undefined;
  }
}
