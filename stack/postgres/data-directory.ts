import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { spawnChild, SYSTEM_PATH } from "../processes/child.ts";
import { postgresAccount } from "./account.ts";
import type { PostgresBinaries } from "./binaries.ts";

/** The first major version with locales of its own. */
const BUILTIN_LOCALES_SINCE = 17;
/** The first major version whose initdb has `--sync-method`. */
const SYNC_METHODS_SINCE = 17;
/** Long enough that nobody guesses it; base64url needs no quoting in a URL or in conninfo. */
const PASSWORD_BYTES = 24;

/** The superuser's password of a data directory, made once. Whoever may read the file may log in. */
export function readOrMakePassword(directory: string): string {
  const path = join(directory, "password");
  if (!existsSync(path)) {
    const made = `${path}.new`;
    writeFileSync(made, randomBytes(PASSWORD_BYTES).toString("base64url"), { mode: 0o600 });
    renameSync(made, path);
  }
  return readFileSync(path, "utf8");
}

/**
 * Whether a complete data directory of the expected major version is there.
 * @throws {Error} for another version, and for a folder that PostgreSQL has not made
 */
export function hasData(directory: string, expected: number): boolean {
  if (!existsSync(directory)) return false;
  const versionFile = join(directory, "PG_VERSION");
  if (!existsSync(versionFile)) {
    throw new Error(
      `${directory} holds no data of PostgreSQL: move it away or set STACK_DATA to another folder`,
    );
  }
  const version = Number(readFileSync(versionFile, "utf8"));
  if (version !== expected) {
    throw new Error(
      `${directory} was written by PostgreSQL ${version}, this is ${expected}: ` +
        "move it away or run npm run reset",
    );
  }
  return true;
}

export interface NewCluster {
  readonly directory: string;
  /** Holds the superuser's password. */
  readonly passwordFile: string;
  /** Empty databases that it has from the start. */
  readonly databases: readonly string[];
  /** false leaves it to the operating system when the files reach the disk. */
  readonly durable: boolean;
}

/**
 * Makes a database cluster. It appears under its name once it is whole. Nothing is forced to the disk
 * before the end, and then every file once.
 */
export async function initialise(
  binaries: PostgresBinaries,
  { directory, passwordFile, databases, durable }: NewCluster,
): Promise<void> {
  const unfinished = `${directory}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  await run(directory, binaries.initdb, [
    ...["--pgdata", unfinished, "--username", "postgres", "--pwfile", passwordFile],
    ...["--auth", "scram-sha-256", "--encoding", "UTF8"],
    // Text sorts by code point, the same on every machine.
    ...(binaries.version < BUILTIN_LOCALES_SINCE
      ? ["--locale", "C.UTF-8"]
      : ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]),
    ...["--no-instructions", "--no-sync"],
  ]);
  if (databases.length > 0) {
    const statements = databases.map((name) =>
      `create database "${name}" template template0 strategy file_copy;\n`
    );
    const singleUser = ["--single", "-F", "-c", "exit_on_error=on", "-D", unfinished, "postgres"];
    await run(directory, binaries.postgres, singleUser, statements.join(""));
  }
  if (durable) await syncFiles(binaries, directory, unfinished);
  renameSync(unfinished, directory);
}

/** Copies the data directory of a primary that has been stopped in order, as its standby. */
export async function copyAsStandby(
  binaries: PostgresBinaries,
  primary: string,
  { directory, durable }: Pick<NewCluster, "directory" | "durable">,
): Promise<void> {
  const unfinished = `${directory}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
  await run(directory, "cp", ["-a", primary, unfinished]);
  const slots = join(unfinished, "pg_replslot");
  // A slot is for the primary's standbys; here it would keep WAL for ever.
  for (const slot of readdirSync(slots)) rmSync(join(slots, slot), { recursive: true });
  writeFileSync(join(unfinished, "standby.signal"), "");
  if (durable) await syncFiles(binaries, directory, unfinished);
  renameSync(unfinished, directory);
}

async function syncFiles(
  { initdb, version }: PostgresBinaries,
  directory: string,
  unfinished: string,
): Promise<void> {
  // One call for the file system instead of one for each of 2 000 files.
  const hasSyncfs = process.platform === "linux" && version >= SYNC_METHODS_SINCE;
  const method = hasSyncfs ? ["--sync-method", "syncfs"] : [];
  await run(directory, initdb, ["--sync-only", ...method, "--pgdata", unfinished]);
}

/** @param input what the program reads from its standard input */
async function run(
  directory: string,
  command: string,
  args: readonly string[],
  input = "",
): Promise<void> {
  const child = await spawnChild({
    command,
    args,
    environment: { LC_ALL: "C", PATH: SYSTEM_PATH },
    input: "pipe",
    deathSignal: "SIGKILL",
    account: postgresAccount(directory),
  });
  // A program that does not read it says so by its exit code.
  child.process.stdin?.on("error", () => {}).end(input);
  let said = "";
  child.process.stdout?.resume();
  child.process.stderr?.setEncoding("utf8").on("data", (text: string) => said += text);
  const ending = await child.ended;
  if (said.startsWith("setpriv:")) {
    throw new Error(
      `PostgreSQL does not run as root, and this root may not change the account (${said.trim()}): ` +
        "start as an ordinary user",
    );
  }
  if (ending !== "exit code 0") {
    throw new Error(`${command} ended with ${ending}: ${said.trim()}`);
  }
}
