import postgres from "postgres";
import { readDatabaseUrl } from "./database-url.ts";
import { Dialer } from "./dialer.ts";
import { loginOptions } from "./try-login.ts";

// From a URL to a connection. The files act in this order:
//
//   libpq-uri      splits the URL by libpq's grammar
//   database-url   checks its parameters and fills in the defaults: a DatabaseTarget
//   tls-settings   reads its TLS parameters and the files that they name
//   open-client    creates a client of postgres.js for the target, with the dialer as its `socket`
//   try-login      gives the client the target's user, password, database and startup parameters
//
// and for each connection that the client opens:
//
//   dialer         chooses the server and the encryption
//   open-line      connects to that server and encrypts
//   try-login      if there is a choice, logs in once on such a connection to inspect the server
//   postgres.js    logs in on the connection that the dialer returns
//
// pool runs statements on a client and bounds how many wait; the bus passes the dialer to pg-boss;
// pooler uses two clients to find out whether a pooler shares their sessions.

export interface ClientOptions {
  readonly url: string;
  /** Connection timeout of each server of the URL, unless the URL sets it. */
  readonly connectTimeoutMs: number;
  /** The name that the server shows, unless the URL sets one. */
  readonly applicationName: string;
  /** Whether the URL may not set another name. */
  readonly keepsName?: boolean;
}

/**
 * A client of postgres.js for a URL with libpq's meaning. It depends on nothing in a session: no
 * startup parameters but a name, which every pooler accepts, and no prepared statements unless
 * `options` enables them.
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
    // The driver's types do not declare this.
    socket: () => dialer.open(),
    ...options,
  };
  const client = postgres(given as object) as unknown as postgres.Sql<Types>;
  const end = client.end.bind(client);
  // A connection that is being opened would otherwise survive.
  client.end = (how) => {
    dialer.close();
    return end(how);
  };
  return client;
}
