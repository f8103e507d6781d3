import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../../stack/ports.ts";
import { postgresAccount } from "../../stack/postgres/account.ts";
import { spawnChild, SYSTEM_PATH } from "../../stack/processes/child.ts";
import { newDataDirectory, removeDirectory } from "../own-stack.ts";
import type { Programs } from "./programs.ts";

export type PoolMode = "session" | "transaction";

export interface PgBouncer {
  /** The URL of the same database through the pooler. */
  through(url: string, mode: PoolMode): string;
  close(): Promise<void>;
}

/**
 * Debian's PgBouncer in front of one server, with its defaults except for accounts and addresses.
 * It has every database of the server in each mode; one in transaction mode has `sessions`
 * sessions.
 */
export async function startPgBouncer(
  { pgbouncer }: Pick<Programs, "pgbouncer">,
  serverUrl: string,
  databases: readonly string[],
  sessions: number,
): Promise<PgBouncer> {
  const server = new URL(serverUrl);
  const directory = newDataDirectory();
  chmodSync(directory, 0o777);
  mkdirSync(join(directory, "socket"), { mode: 0o777 });
  const [port] = await freePorts(1);
  const lines = (mode: PoolMode, size: string) =>
    databases.map((name) =>
      `${mode}_${name} = host=${server.hostname} port=${server.port} ` +
      `dbname=${name} pool_mode=${mode}${size}`
    );
  const accounts = join(directory, "accounts");
  writeFileSync(accounts, `"${server.username}" "${server.password}"\n`);
  const settings = join(directory, "pgbouncer.ini");
  writeFileSync(
    settings,
    [
      "[databases]",
      ...lines("session", " pool_size=60"),
      ...lines("transaction", ` pool_size=${sessions}`),
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = scram-sha-256",
      `auth_file = ${accounts}`,
      "",
    ].join("\n"),
  );
  const child = await spawnChild({
    command: pgbouncer,
    args: [settings],
    environment: { PATH: SYSTEM_PATH },
    deathSignal: "SIGKILL",
    account: postgresAccount(directory),
  });
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.process.stderr?.on("data", (text) => {
      output += String(text);
      if (output.includes("process up")) resolve();
    });
    void child.ended.then((ending) => reject(new Error(`PgBouncer: ${ending}: ${output}`)));
  });
  return {
    through(url, mode) {
      const changed = new URL(url);
      changed.port = String(port);
      changed.pathname = `/${mode}_${changed.pathname.slice(1)}`;
      return changed.href;
    },
    async close() {
      child.process.kill("SIGQUIT");
      await child.ended;
      removeDirectory(directory);
    },
  };
}
