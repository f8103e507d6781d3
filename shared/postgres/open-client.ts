import postgres from "postgres";
import { readDatabaseUrl } from "./database-url.ts";
import { Dialer } from "./dialer.ts";
import { loginOptions } from "./try-login.ts";

export interface ClientOptions {
  readonly url: string;
  /** How long each server of the URL may take to connect, unless the URL says it. */
  readonly connectTimeoutMs: number;
  /** Shown by the server, unless the URL has a name. */
  readonly applicationName: string;
  /** Whether the URL may not have another name. */
  readonly keepsName?: boolean;
}

/**
 * A client of postgres.js that takes a URL as libpq does. It needs nothing of a session: no
 * startup parameters but a name, which every pooler takes, and no prepared statements unless
 * `options` has them.
 */
export function openClient<Types extends Readonly<Record<string, unknown>> = {}>(
  { url, connectTimeoutMs, applicationName, keepsName = false }: ClientOptions,
  options: Omit<postgres.Options<Record<string, postgres.PostgresType>>, "connection">,
): postgres.Sql<Types> {
  const target = readDatabaseUrl(url);
  const dialer = new Dialer({ target, connectTimeoutMs });
  const name = keepsName ? applicationName : target.applicationName ?? applicationName;
  const login = loginOptions(target, target.connectTimeoutMs ?? connectTimeoutMs, name);
  const given = {
    ...login,
    // The driver's types do not know that it takes one.
    socket: () => dialer.open(),
    ...options,
  };
  const client = postgres(given as object) as unknown as postgres.Sql<Types>;
  const end = client.end.bind(client);
  // A connection that is just being opened would live on.
  client.end = (how) => {
    dialer.close();
    return end(how);
  };
  return client;
}
