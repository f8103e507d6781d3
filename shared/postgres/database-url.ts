import { userInfo } from "node:os";
import { DatabaseUrlError, type LibpqUri, oneOf, readLibpqUri } from "./libpq-uri.ts";
import { readTls, type TlsSettings } from "./tls-settings.ts";

// A database URL has the meaning of libpq for every driver:
// https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS

const DEFAULT_PORT = "5432";
const PORT_MAX = 65_535;

const SESSION_ATTRIBUTES = [
  "any",
  "read-write",
  "read-only",
  "primary",
  "standby",
  "prefer-standby",
] as const;
export type SessionAttributes = (typeof SESSION_ATTRIBUTES)[number];

/** A server of the URL. */
export interface DatabaseServer {
  /** The name in the certificate; for a socket, the path of its directory. */
  readonly host: string;
  /** The address to connect to. */
  readonly address: string;
  readonly port: number;
}

/** A parsed database URL. */
export interface DatabaseTarget {
  /** In the order of attempts; at least one. */
  readonly servers: readonly DatabaseServer[];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsSettings;
  readonly sessionAttributes: SessionAttributes;
  readonly applicationName: string | undefined;
  /** Sent to the server unchanged; a pooler may refuse it. */
  readonly options: string | undefined;
  /** For each server; Infinity: no limit. */
  readonly connectTimeoutMs: number | undefined;
}

/** Parameters of which only the value of the actual behaviour is supported. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ["disable", "prefer"],
  client_encoding: ["utf8", "utf-8", "auto"],
  gssencmode: ["disable", "prefer"],
  keepalives: ["1"],
  load_balance_hosts: ["disable"],
  requiressl: ["0"],
  sslcertmode: ["allow"],
  sslcompression: ["0"],
};

/** The alternatives to unsupported values. */
const INSTEAD: Readonly<Record<string, string>> = {
  channel_binding: "the drivers have no SCRAM-SHA-256-PLUS. Set channel_binding=prefer, and " +
    "sslmode=verify-full with sslrootcert, which authenticates the server as well",
  gssencmode: "GSSAPI is not supported. Set gssencmode=disable and sslmode=verify-full",
  passfile: "password files are not supported. Put the password in the URL",
  service: "service files are not supported. Put their parameters in the URL",
  require_auth: "the server chooses the method. Remove it, and configure pg_hba.conf",
  load_balance_hosts: "servers are tried in their order. Set load_balance_hosts=disable",
  requiressl: "it is obsolete. Set sslmode=require",
};

/** Parameters that are read below. */
const READ = [
  ...["host", "hostaddr", "port", "user", "password", "dbname", "options", "connect_timeout"],
  ...["application_name", "fallback_application_name", "target_session_attrs"],
];
const READ_FOR_TLS = [
  ...["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslsni"],
  ...["sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"],
];

/**
 * Also reads the files that the URL names.
 * @throws {DatabaseUrlError} with the violated rule, never with a secret
 */
export function readDatabaseUrl(text: string): DatabaseTarget {
  const uri = readLibpqUri(text);
  const { parameters } = uri;
  for (const [name, value] of parameters) checkParameter(name, value, text);
  // As with libpq, an empty value counts as missing.
  const given = (...names: string[]) => names.map((name) => parameters.get(name)).find(Boolean);
  const servers = readServers(uri);
  const user = (given("user") ?? uri.user) || systemUser();
  return {
    servers,
    user,
    password: given("password") ?? uri.password,
    database: (given("dbname") ?? uri.database) || user,
    tls: readTls(parameters),
    sessionAttributes: oneOf(parameters, "target_session_attrs", SESSION_ATTRIBUTES) ?? "any",
    applicationName: given("application_name", "fallback_application_name"),
    options: given("options"),
    connectTimeoutMs: readTimeout(given("connect_timeout")),
  };
}

/** The servers and the database of a URL, without its password. */
export function describeTarget({ servers, database, user }: DatabaseTarget): string {
  return `${servers.map(describeServer).join(", ")}, database ${database}, as ${user}`;
}

export function describeServer(server: DatabaseServer): string {
  const { address, port } = server;
  const path = unixSocket(server);
  if (path !== undefined) return path;
  const host = server.host.startsWith("/") ? address : server.host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The path of the Unix socket; undefined for a server reached by TCP. */
export function unixSocket({ address, port }: DatabaseServer): string | undefined {
  return address.startsWith("/") ? `${address}/.s.PGSQL.${port}` : undefined;
}

function checkParameter(name: string, value: string, url: string): void {
  if (READ.includes(name) || READ_FOR_TLS.includes(name)) return;
  if (ALLOWED[name]?.includes(value.toLowerCase())) return;
  const instead = INSTEAD[name];
  if (instead) throw new DatabaseUrlError(`sets ${name}=${value}, but ${instead}`);
  const allowed = ALLOWED[name]?.join(" or ");
  if (allowed) throw new DatabaseUrlError(`has a ${name} that is not ${allowed}`);
  // After a ? there may be the rest of a password with an unescaped /.
  const shown = url.lastIndexOf("@") > url.indexOf("?") ? "a parameter" : `the parameter ${name}`;
  throw new DatabaseUrlError(`has ${shown}, which is not supported: remove it`);
}

function readServers({ hosts, ports, parameters }: LibpqUri): DatabaseServer[] {
  const given = (name: string) => parameters.get(name)?.split(",");
  const addresses = given("hostaddr");
  const names = given("host") ?? (addresses && hosts.join("") === "" ? addresses : hosts);
  const allPorts = given("port") ?? ports;
  const portOf = (index: number) => (allPorts.length === 1 ? allPorts[0] : allPorts[index]);
  if (allPorts.length !== 1 && allPorts.length !== names.length) {
    throw new DatabaseUrlError(`names ${names.length} hosts and ${allPorts.length} ports`);
  }
  if (addresses && addresses.length !== names.length) {
    throw new DatabaseUrlError(`names ${names.length} hosts and ${addresses.length} hostaddr`);
  }
  return names.map((host, index) => {
    if (host === "") {
      throw new DatabaseUrlError(
        "names no host: add one, or host=/var/run/postgresql for a socket",
      );
    }
    return { host, address: addresses?.[index] || host, port: readPort(portOf(index)) };
  });
}

function readPort(text: string | undefined): number {
  const port = Number(text || DEFAULT_PORT);
  if (/^[0-9]*$/.test(text ?? "") && port >= 1 && port <= PORT_MAX) return port;
  // It may be part of a password.
  throw new DatabaseUrlError(
    `has a port that is not a number from 1 to ${PORT_MAX}: ` +
      "in a user or password write %3A for : and %2F for /",
  );
}

function readTimeout(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const seconds = /^-?[0-9]{1,6}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(seconds)) {
    throw new DatabaseUrlError("has a connect_timeout that is not a whole number of seconds");
  }
  return seconds <= 0 ? Infinity : seconds * 1_000;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new DatabaseUrlError("names no user");
  }
}
