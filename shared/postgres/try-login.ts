import type { Socket } from "node:net";
import postgres from "postgres";
import type { DatabaseTarget } from "./database-url.ts";

/** What a server says of itself after a login. */
export interface Login {
  readonly standby: boolean;
  readonly readOnly: boolean;
}

/** Logs in on a connection, looks, and ends it. Rejects as the driver does. */
export async function tryLogin(
  target: DatabaseTarget,
  socket: Socket,
  timeoutMs: number,
): Promise<Login> {
  const options = { ...loginOptions(target, timeoutMs), max: 1, socket: () => socket };
  const client = postgres(options as object);
  try {
    const [row] = await client.unsafe<{ standby: boolean; read_only: boolean }[]>(
      `select pg_is_in_recovery() as standby,
        current_setting('transaction_read_only') = 'on' as read_only`,
    );
    return { standby: row?.standby ?? false, readOnly: row?.read_only ?? false };
  } finally {
    await client.end({ timeout: 0 });
  }
}

/**
 * What the driver is told of a target. Nothing is left to its own reading of a URL, or to variables
 * such as PGPASSWORD.
 */
export function loginOptions(target: DatabaseTarget, timeoutMs: number, applicationName?: string) {
  const name = applicationName ?? target.applicationName;
  const [first] = target.servers;
  return {
    // For messages only: the connection is made elsewhere, and encrypted there.
    host: first?.host ?? "",
    port: first?.port ?? 0,
    ssl: false,
    sslnegotiation: null,
    user: target.user,
    pass: () => target.password,
    database: target.database,
    fetch_types: false,
    prepare: false,
    connect_timeout: timeoutMs === Infinity ? 0 : timeoutMs / 1_000,
    onnotice: () => {},
    connection: {
      ...(name !== undefined && { application_name: name }),
      ...(target.options !== undefined && { options: target.options }),
    },
  } as const;
}
