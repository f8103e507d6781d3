import { resolve } from "node:path";
import { formatHostPort } from "../shared/config.ts";
import { readDatabaseUrl, unixSocket } from "../shared/postgres/database-url.ts";
import { isDatabaseUrl, readLibpqUri } from "../shared/postgres/libpq-uri.ts";
import { tlsFiles } from "../shared/postgres/tls-settings.ts";

/** What `deno run` must allow, by the names of its flags. */
export interface DatabasePermissions {
  readonly net: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly sys: readonly string[];
}

/** What it takes to connect to the databases of these URLs, which are right. */
export function databasePermissions(
  urls: readonly string[],
  directory: string,
): DatabasePermissions {
  const permissions = urls.map((url) => permissionsOf(url, directory));
  const all = (what: keyof DatabasePermissions) => permissions.flatMap((each) => each[what]);
  return { net: all("net"), read: all("read"), write: all("write"), sys: all("sys") };
}

/** The database URLs among the values of settings. */
export function databaseUrls(config: Readonly<Record<string, unknown>>): string[] {
  return Object.values(config).flat()
    .filter((value): value is string => typeof value === "string" && isDatabaseUrl(value));
}

function permissionsOf(url: string, directory: string): DatabasePermissions {
  const { parameters, user } = readLibpqUri(url);
  const { servers } = readDatabaseUrl(url);
  const sockets = servers.map(unixSocket).filter((path) => path !== undefined);
  const files = tlsFiles(parameters).map((path) => resolve(directory, path));
  return {
    net: [
      ...servers.filter((server) => unixSocket(server) === undefined)
        .map(({ address, port }) => formatHostPort({ host: address, port })),
      ...sockets.map((path) => `unix:${path}`),
    ],
    read: [...files, ...sockets],
    write: sockets,
    sys: [
      ...parameters.get("sslrootcert") === "system" ? ["ca"] : [],
      // Without a name it is that of the account.
      ...user || parameters.get("user") ? [] : ["uid", "gid", "userInfo"],
    ],
  };
}
