/** What stands in a connection URI, by libpq's grammar: nothing is defaulted, nothing is judged. */
export interface LibpqUri {
  readonly user: string;
  readonly password: string;
  /** "" where none is written. */
  readonly hosts: readonly string[];
  /** One a host, "" where none is written. */
  readonly ports: readonly string[];
  readonly database: string;
  /** The last one of a name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A rule of database URLs that a value breaks. The message repeats no secret part of the value. */
export class DatabaseUrlError extends Error {
  override readonly name = "DatabaseUrlError";
}

const SCHEME = /^postgres(?:ql)?:\/\//;
const EXAMPLE = "postgres://user:password@host:5432/database";
/** The first @ ends the password, and no / comes before it. */
const CREDENTIALS = /^([^@/:]*)(?::([^@/]*))?@/;
/** Behind the credentials: servers, database, parameters. */
const REST = /^([^/?]*)(?:\/([^?]*))?(?:\?([^]*))?$/;
const SERVER = /^(?:\[([^\]]*)\]|([^:[]*))(?::([^]*))?$/;
/** Where people trip. */
const ESCAPES = "within a user or password write %40 for @, %2F for /, %3A for : and %25 for %";

export function isDatabaseUrl(text: string): boolean {
  return SCHEME.test(text);
}

/**
 * Splits a URI as libpq does (`conninfo_uri_parse_options`). That is not how browsers do it: there
 * are several hosts and sockets, and `+` and `#` have no meaning.
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

/** What a pattern's groups have found: undefined where one took no part. */
function groups(pattern: RegExp, text: string): (string | undefined)[] {
  return pattern.exec(text)?.slice(1) ?? [];
}

/**
 * The parameter's value, if it is there.
 * @throws {DatabaseUrlError} when it is none of `values`
 */
export function oneOf<Value extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = parameters.get(name);
  const value = values.find((known) => known === given);
  if (given && !value) {
    throw new DatabaseUrlError(`has a ${name} that is none of ${values.join(", ")}`);
  }
  return value;
}

function readServer(text: string): { host: string; port: string } {
  const [whole, address, name = "", port = ""] = SERVER.exec(text) ?? [];
  if (whole === undefined || address === "" || text.includes("@")) {
    throw new DatabaseUrlError(`has no host where one belongs: ${ESCAPES}, for an address [::1]`);
  }
  return { host: decode(address ?? name), port: decode(port) };
}

function readParameters(query = ""): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query === "" ? [] : query.split("&")) {
    const [name = "", value, ...more] = part.split("=");
    if (value === undefined || more.length > 0) {
      throw new DatabaseUrlError(`has something else than name=value behind its ?: ${ESCAPES}`);
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
    // Named below, without the text.
  }
  throw new DatabaseUrlError(`has a % that is no byte of UTF-8 such as %20: ${ESCAPES}`);
}
