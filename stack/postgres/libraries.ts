import { lstatSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the links between the libraries that PostgreSQL is linked against. A package cannot hold
 * links; its install script makes them, which Deno and `npm ci --ignore-scripts` do not run.
 * @throws {Error} when the package is incomplete or may not be written to
 */
export function linkLibraries(packageDirectory: string): void {
  try {
    const list = readFileSync(join(packageDirectory, "native", "pg-symlinks.json"), "utf8");
    for (const { source, target } of JSON.parse(list) as Link[]) {
      const path = join(packageDirectory, target);
      if (lstatSync(path, { throwIfNoEntry: false })) continue;
      if (dirname(source) !== dirname(target)) throw new Error(`${target} leads elsewhere`);
      link(basename(source), path);
    }
  } catch (error) {
    throw new Error(
      `PostgreSQL in ${packageDirectory} is incomplete (${(error as Error).message}): ` +
        "install the packages again, with npm ci or deno install",
      { cause: error },
    );
  }
}

function link(source: string, path: string): void {
  try {
    symlinkSync(source, path);
  } catch (error) {
    // Another start has made it meanwhile.
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
}
