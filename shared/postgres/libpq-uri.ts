/** The parts of a connection URI, by libpq's grammar, without defaults and validation. */
export interface LibpqUri {
  readonly user: string;
  readonly password: string;
  /** "" if the URI has none. */
  readonly hosts: readonly string[];
  /** One per host, "" if the URI has none. */
  readonly ports: readonly string[];
  readonly database: string;
  /** If a name is repeated, the last value counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A violated rule of database URLs. The message contains no secret part of the value. */
export class DatabaseUrlError extends Error {
  override readonly name = "DatabaseUrlError";
}

const SCHEME = /^postgres(?:ql)?:\/\//;
const EXAMPLE = "postgres://user:password@host:5432/database";
/** The first @ ends the password, and no / precedes it. */
const CREDENTIALS = /^([^@/:]*)(?::([^@/]*))?@/;
/** After the credentials: servers, database, parameters. */
const REST = /^([^/?]*)(?:\/([^?]*))?(?:\?([^]*))?$/;
const SERVER = /^(?:\[([^\]]*)\]|([^:[]*))(?::([^]*))?$/;
/** Hints for common mistakes. */
const ESCAPES = "in a user or password write %40 for @, %2F for /, %3A for : and %25 for %";

export function isDatabaseUrl(text: string): boolean {
  return SCHEME.test(text);
}

/**
 * Splits a URI as libpq does (`conninfo_uri_parse_options`). Unlike in browsers, there are several
 * hosts and sockets, and `+` and `#` have no meaning.
 * @throws {DatabaseUrlError}
 */
export function readLibpqUri(text: string): LibpqUri {
  if (!isDatabaseUrl(text)) throw new DatabaseUrlError(`is not a URL such as ${EXAMPLE}`);
  const rest = text.replace(SCHEME, "");
  const [user, password] = groups(CREDENTIALS, rest);
  const [authority = "", path, query] = groups(REST, rest.replace(CREDENTIALS, ""));
  const servers = authority.split(",").map(readServer);
  return {
    user: decode(user),
    password: decode(password),
    hosts: servers.map(({ host }) => host),
    ports: servers.map(({ port }) => port),
    database: decode(path),
    parameters: readParameters(query),
  };
}

/** The groups of a match: undefined for a group that did not take part. */
function groups(pattern: RegExp, text: string): (string | undefined)[] {
  return pattern.exec(text)?.slice(1) ?? [];
}

/**
 * The parameter's value, if it is set.
 * @throws {DatabaseUrlError} if it is not one of `values`
 */
export function oneOf<Value extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = parameters.get(name);
  const value = values.find((known) => known === given);
  if (given && !value) {
    throw new DatabaseUrlError(`has a ${name} that is not one of ${values.join(", ")}`);
  }
  return value;
}

function readServer(text: string): { host: string; port: string } {
  const [whole, address, name = "", port = ""] = SERVER.exec(text) ?? [];
  if (whole === undefined || address === "" || text.includes("@")) {
    throw new DatabaseUrlError(`has an invalid host: ${ESCAPES}, for an address [::1]`);
  }
  return { host: decode(address ?? name), port: decode(port) };
}

function readParameters(query = ""): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query === "" ? [] : query.split("&")) {
    const [name = "", value, ...more] = part.split("=");
    if (value === undefined || more.length > 0) {
      throw new DatabaseUrlError(`has a parameter that is not name=value: ${ESCAPES}`);
    }
    parameters.set(decode(name), decode(value));
  }
  return parameters;
}

function decode(text = ""): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes("\0")) return decoded;
  } catch {
    // Reported below, without the text.
  }
  throw new DatabaseUrlError(`has a % that does not encode UTF-8, as %20 does: ${ESCAPES}`);
}
