import process from "node:process";
import { PgBoss } from "pg-boss";
import { dialedLogin } from "../../shared/bus/postgres-login.ts";
import { openClient } from "../../shared/postgres/open-client.ts";

// Connects to each URL of a JSON list, its first argument, with each driver, and prints the results
// as JSON: a list for each driver. Runs on Node and on Deno.

/** The properties of a connection, or why there is none. */
export type Found = {
  readonly encrypted: boolean;
  /** Of the server; null on a socket. */
  readonly address: string | null;
  readonly standby: boolean;
  readonly application: string;
  readonly geqo: string;
  readonly database: string;
} | { readonly error: string };

export const QUESTION = `select
  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
  host(inet_server_addr()) as address, pg_is_in_recovery() as standby,
  current_setting('application_name') as application, current_setting('geqo') as geqo,
  current_database()::text as database`;

const CONNECT_TIMEOUT_MS = 5_000;

async function byPostgresJs(url: string): Promise<unknown> {
  const client = openClient({
    url,
    applicationName: "requests",
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  }, { max: 1 });
  try {
    return (await client.unsafe(QUESTION))[0];
  } finally {
    await client.end({ timeout: 0 });
  }
}

async function byPg(url: string): Promise<unknown> {
  const { login, dialer } = dialedLogin(url, CONNECT_TIMEOUT_MS);
  const boss = new PgBoss({ ...login as object, max: 1 });
  const db = boss.getDb() as ReturnType<typeof boss.getDb> & { open(): Promise<void> };
  await db.open();
  try {
    return (await db.executeSql(QUESTION)).rows[0] as unknown;
  } finally {
    dialer.close();
  }
}

async function tryAll(open: (url: string) => Promise<unknown>, urls: readonly string[]) {
  return await Promise.all(
    urls.map((url) =>
      Promise.resolve().then(() => open(url))
        .catch((error: unknown) => ({ error: (error as Error).message }))
    ),
  );
}

if (process.argv[2] !== undefined) {
  const urls = JSON.parse(process.argv[2]) as string[];
  const found = { postgres: await tryAll(byPostgresJs, urls), pg: await tryAll(byPg, urls) };
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
}
