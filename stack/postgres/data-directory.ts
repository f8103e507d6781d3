import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { spawnChild, SYSTEM_PATH } from "../processes/child.ts";
import { postgresAccount } from "./account.ts";
import type { PostgresBinaries } from "./binaries.ts";

/** The first major version with builtin locales. */
const BUILTIN_LOCALES_SINCE = 17;
/** The first major version whose initdb has `--sync-method`. */
const SYNC_METHODS_SINCE = 17;
/** The first major version whose initdb has `-c`. */
const INITDB_SETTINGS_SINCE = 16;
/**
 * Small servers create the data faster; `configure()` replaces this before the first start. A
 * random password needs no key stretching, which would cost each login 1.4 ms.
 */
const INITDB_SETTINGS = [
  ...["shared_buffers=16MB", "max_connections=20", "wal_init_zero=off", "scram_iterations=1"],
].flatMap((setting) => ["-c", setting]);
/** A random value; base64url needs no quoting in a URL or in conninfo. */
const PASSWORD_BYTES = 24;

/** Returns the superuser's password of a data directory; generates it once. */
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
 * Whether there is a complete data directory of the expected major version.
 * @throws {Error} for another version, and for a folder that PostgreSQL has not created
 */
export function hasData(directory: string, expected: number): boolean {
  if (!existsSync(directory)) return false;
  const versionFile = join(directory, "PG_VERSION");
  if (!existsSync(versionFile)) {
    throw new Error(
      `${directory} is no PostgreSQL data directory: move it away or set another STACK_DATA`,
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
  /** Data directories of its standbys; existing ones are replaced. */
  readonly standbys: readonly string[];
  /** Holds the superuser's password. */
  readonly passwordFile: string;
  /** Empty databases that it has from the start. */
  readonly databases: readonly string[];
  /** false: the operating system decides when files are written to the disk. */
  readonly durable: boolean;
}

/**
 * Creates a database cluster with its standbys. The primary's directory gets its name last, so
 * standbys without a primary are leftovers. Files are synced once, before that.
 */
export async function initialise(binaries: PostgresBinaries, cluster: NewCluster): Promise<void> {
  const { directory, standbys, passwordFile, databases, durable } = cluster;
  const all = [...standbys, directory];
  for (const each of all) rmSync(unfinished(each), { recursive: true, force: true });
  for (const each of standbys) rmSync(each, { recursive: true, force: true });
  await run(directory, binaries.initdb, [
    ...["--pgdata", unfinished(directory), "--username", "postgres", "--pwfile", passwordFile],
    ...["--auth", "scram-sha-256", "--encoding", "UTF8"],
    // Text sorts by code point, the same on every machine.
    ...(binaries.version < BUILTIN_LOCALES_SINCE
      ? ["--locale", "C.UTF-8"]
      : ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]),
    ...["--no-instructions", "--no-sync"],
    ...(binaries.version < INITDB_SETTINGS_SINCE ? [] : INITDB_SETTINGS),
  ]);
  const statements = [
    ...databases.map((name) =>
      `create database "${name}" template template0 strategy file_copy;\n`
    ),
    // A standby that finds its slot at the first attempt follows 100 ms sooner.
    ...standbys.map((standby) =>
      `select pg_create_physical_replication_slot('${basename(standby)}', true);\n`
    ),
  ];
  const singleUser = ["--single", "-F", "-c", "exit_on_error=on", "-D", unfinished(directory)];
  await run(directory, binaries.postgres, [...singleUser, "postgres"], statements.join(""));
  await Promise.all(standbys.map((standby) => copy(unfinished(directory), unfinished(standby))));
  if (durable) await syncFiles(binaries, all.map(unfinished));
  for (const each of all) renameSync(unfinished(each), each);
}

/** Copies the data directory of a cleanly stopped primary, for its standby. */
export async function copyAsStandby(
  binaries: PostgresBinaries,
  primary: string,
  { directory, durable }: Pick<NewCluster, "directory" | "durable">,
): Promise<void> {
  rmSync(unfinished(directory), { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
  await copy(primary, unfinished(directory));
  if (durable) await syncFiles(binaries, [unfinished(directory)]);
  renameSync(unfinished(directory), directory);
}

/** The suffix of an incomplete directory. */
function unfinished(directory: string): string {
  return `${directory}.new`;
}

async function copy(primary: string, standby: string): Promise<void> {
  await run(standby, "cp", ["-a", primary, standby]);
  const slots = join(standby, "pg_replslot");
  // The copied slot is for the primary's standbys; here it would keep WAL without a bound.
  for (const slot of readdirSync(slots)) rmSync(join(slots, slot), { recursive: true });
  writeFileSync(join(standby, "standby.signal"), "");
}

async function syncFiles(
  { initdb, version }: PostgresBinaries,
  directories: readonly string[],
): Promise<void> {
  // One call for their common file system instead of one for each of 2,000 files per directory.
  const hasSyncfs = process.platform === "linux" && version >= SYNC_METHODS_SINCE;
  const method = hasSyncfs ? ["--sync-method", "syncfs"] : [];
  for (const directory of hasSyncfs ? directories.slice(0, 1) : directories) {
    await run(directory, initdb, ["--sync-only", ...method, "--pgdata", directory]);
  }
}

/** @param input the standard input of the program */
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
  // If the program does not read it, the exit code shows that.
  child.process.stdin?.on("error", () => {}).end(input);
  let said = "";
  child.process.stdout?.resume();
  child.process.stderr?.setEncoding("utf8").on("data", (text: string) => said += text);
  const ending = await child.ended;
  if (said.startsWith("setpriv:")) {
    throw new Error(
      `PostgreSQL does not run as root, and this root may not change the account ` +
        `(${said.trim()}): start as an ordinary user`,
    );
  }
  if (ending !== "exit code 0") {
    throw new Error(`${command} ended with ${ending}: ${said.trim()}`);
  }
}
