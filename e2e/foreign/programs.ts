import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** Where Debian puts PostgreSQL's programs, which are not on the PATH. */
const POSTGRES_DIRECTORY = "/usr/lib/postgresql/15/bin";

const COMMANDS = {
  initdb: "initdb",
  postgres: "postgres",
  psql: "psql",
  pgbouncer: "pgbouncer",
  haproxy: "haproxy",
  faketime: "faketime",
  openssl: "openssl",
  curl: "curl",
  java: "java",
  javac: "javac",
} as const;

/** Absolute paths of programs from elsewhere, by name. */
export type Programs = Readonly<Record<keyof typeof COMMANDS, string>>;

/** All programs, or the names of those that this machine lacks. */
export function findPrograms(): { programs: Programs | undefined; missing: readonly string[] } {
  const found = Object.entries(COMMANDS).map(([name, command]) => [name, find(command)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  return {
    programs: missing.length > 0 ? undefined : Object.fromEntries(found) as Programs,
    missing,
  };
}

function find(command: string): string | undefined {
  // Debian's PgBouncer is in /usr/sbin, which an ordinary user's PATH lacks.
  const path = [POSTGRES_DIRECTORY, ...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
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
