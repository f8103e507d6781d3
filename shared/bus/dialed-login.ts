import { readDatabaseUrl } from "../postgres/database-url.ts";
import { Dialer } from "../postgres/dialer.ts";
import { ignorePgVariables } from "../postgres/ignore-pg-variables.ts";
import { DialedStream } from "./dialed-stream.ts";

const APPLICATION_NAME = "marketplace_bus";

/**
 * What `pg` takes for a database URL, so that it means what it means everywhere here: connections
 * come from a dialer. The driver reads no URL of its own, and no variables such as PGOPTIONS.
 */
export function dialedLogin(url: string, connectTimeoutMs: number) {
  ignorePgVariables();
  const target = readDatabaseUrl(url);
  const dialer = new Dialer({ target, connectTimeoutMs });
  const timeoutMs = target.connectTimeoutMs ?? connectTimeoutMs;
  const [first] = target.servers;
  const login = {
    stream: () => new DialedStream(dialer),
    // For its messages only.
    host: first?.host ?? "",
    port: first?.port ?? 0,
    ssl: false,
    user: target.user,
    password: () => target.password,
    database: target.database,
    // As keepalives=1, which every URL means.
    keepAlive: true,
    application_name: target.applicationName ?? APPLICATION_NAME,
    ...(target.options !== undefined && { options: target.options }),
    // For all servers in turn, and the login.
    connectionTimeoutMillis: timeoutMs === Infinity ? 0 : timeoutMs * (target.servers.length + 1),
  };
  return { dialer, login };
}
