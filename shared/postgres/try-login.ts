import type { Socket } from "node:net";
import postgres from "postgres";
import type { DatabaseTarget } from "./database-url.ts";
import { ignorePgVariables } from "./ignore-pg-variables.ts";
import { socketLost } from "./open-line.ts";

/** What a server reports after a login. */
export interface Login {
  readonly standby: boolean;
  readonly readOnly: boolean;
}

/**
 * Logs in, reads the server's role and closes the connection. Rejects as the driver does, and as
 * soon as the socket closes, because the driver would retry on the same socket. Destroy the socket
 * to abort.
 */
export async function tryLogin(
  target: DatabaseTarget,
  socket: Socket,
): Promise<Login> {
  // Before the driver adds its listeners, because it removes all of them when the socket closes.
  const lost = socketLost(socket);
  const options = { ...loginOptions(target, Infinity), max: 1, socket: () => socket };
  const client = postgres(options as object);
  try {
    const query = client.unsafe<{ standby: boolean; read_only: boolean }[]>(
      `select pg_is_in_recovery() as standby,
        current_setting('transaction_read_only') = 'on' as read_only`,
    );
    const [row] = await Promise.race([query, lost]);
    return { standby: row?.standby ?? false, readOnly: row?.read_only ?? false };
  } finally {
    await client.end({ timeout: 0 });
  }
}

/**
 * The target as options of postgres.js, which then reads neither a URL nor variables such as
 * PGPASSWORD.
 */
export function loginOptions(target: DatabaseTarget, timeoutMs: number, applicationName?: string) {
  ignorePgVariables();
  const name = applicationName ?? target.applicationName;
  const [first] = target.servers;
  return {
    // For messages only: the dialer connects and encrypts.
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
