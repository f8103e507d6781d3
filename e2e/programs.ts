import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** The folder of Debian's PostgreSQL programs, which is not on the PATH. */
export const DEBIAN_POSTGRES = "/usr/lib/postgresql/15/bin";

/** Absolute paths of programs, by name. */
export type Programs<Name extends string> = Readonly<Record<Name, string>>;

/**
 * The programs of this machine.
 * @throws {Error} naming those that are missing
 */
export function requirePrograms<const Name extends string>(
  names: readonly Name[],
): Programs<Name> {
  const found = names.map((name) => [name, find(name)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  if (missing.length === 0) return Object.fromEntries(found) as Programs<Name>;
  throw new Error(
    `not installed: ${missing.join(", ")} (docs/compatibility.md lists the packages)`,
  );
}

/**
 * The programs of this machine. Undefined if one is missing: then `what` is skipped and the reason
 * is printed, unless `variable` is `required` in the environment.
 * @throws {Error} if a required one is missing
 */
export function findPrograms<const Name extends string>(
  names: readonly Name[],
  { what, variable }: { readonly what: string; readonly variable: string },
): Programs<Name> | undefined {
  try {
    return requirePrograms(names);
  } catch (error) {
    const reason = (error as Error).message;
    if (process.env[variable] === "required") throw new Error(`Cannot run ${what}: ${reason}`);
    process.stdout.write(`Skipped ${what}: ${reason}\n`);
    return undefined;
  }
}

function find(command: string): string | undefined {
  // Some programs of Debian are in /usr/sbin, which is not on a user's PATH.
  const path = [DEBIAN_POSTGRES, ...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return path.map((directory) => join(directory, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
