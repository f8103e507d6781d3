import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { ConfigError, type Environment, formatHostPort, type HostPort } from "../shared/config.ts";
import { type ServicePart, SETTINGS, type Settings } from "./plan.ts";
import { readDatabaseUrl, unixSocket } from "../shared/postgres/database-url.ts";
import { isDatabaseUrl, readLibpqUri } from "../shared/postgres/libpq-uri.ts";
import { tlsFiles } from "../shared/postgres/tls-settings.ts";
import { readStoreUrl } from "../shared/valkey/store-url.ts";

// The permissions of a service under Deno, derived from its settings: only what it needs.

/** Values of `--allow-<what>`. */
type Permissions = Readonly<
  Partial<Record<"env" | "read" | "write" | "sys" | "net", readonly string[]>>
>;

/** Required by profiles of the process. */
const PROFILES = ["inspector"];

const NEEDS = {
  cart: { folders: ["cart"], grpc: "LOMS_GRPC_URL", sys: PROFILES },
  // @grpc/proto-loader checks whether it may read its files.
  loms: { folders: ["loms", "drizzle/loms"], grpc: "LOMS_GRPC", sys: [...PROFILES, "uid"] },
  notifier: { folders: ["notifier", "drizzle/notifier"], grpc: undefined, sys: PROFILES },
  products: { folders: ["stack/products"], grpc: undefined, sys: [] },
} as const satisfies Record<ServicePart, {
  /** Its own files, below the project; imports need no permission. */
  readonly folders: readonly string[];
  /** The setting with a host name that grpc-js resolves, to connect to the IP address. */
  readonly grpc: string | undefined;
  readonly sys: readonly string[];
}>;
/** Files that every service reads while it runs. */
const FOLDERS = ["shared", "proto", "node_modules"];

/** No prompt, no installation and no download, whatever deno.json sets. */
const ALWAYS = [
  ...["--no-prompt", "--no-remote", "--deny-import"],
  ...["--no-lock", "--node-modules-dir=manual"],
];
/** Packages read variables, too; this hides all others from them. */
const IGNORE_OTHER_SETTINGS = "--ignore-env";
/** Settings with a PEM file. */
const PEM_FILE = /^(KAFKA|CART_STORE)_TLS_(CA|CERT|KEY)$|^OTEL_EXPORTER_.*_(CERTIFICATE|KEY)$/;
/** A service logs the unknown ones. */
const OTEL_PREFIX = "OTEL_";
/** Settings with origins of callers: the service does not connect to them. */
const CALLERS_SUFFIX = "_ORIGINS";
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * The flags of `deno run` for a service with these settings. Invalid settings get no network
 * access; the service itself reports them.
 */
export async function denoFlags(
  part: ServicePart,
  projectDirectory: string,
  environment: Environment,
): Promise<string[]> {
  const { folders, grpc, sys } = NEEDS[part];
  const { names, read } = await SETTINGS[part]();
  const config = configOrNothing(read, environment);
  const otel = Object.keys(environment)
    .filter((name) => name.startsWith(OTEL_PREFIX) && !names.includes(name));
  const needed: Permissions[] = [
    {
      env: [...names.flatMap((name) => [name, `LOCAL_${name}`]), ...otel],
      read: [...folders, ...FOLDERS].map((folder) => join(projectDirectory, folder)),
      sys,
    },
    ...Object.entries(config).flatMap(([name, value]) => neededFor(name, value, projectDirectory)),
    ...grpc && config[grpc] ? [{ net: await resolved(config[grpc] as HostPort) }] : [],
  ];
  const allow = (["env", "read", "write", "sys", "net"] as const).flatMap((what) => {
    const values = new Set(needed.flatMap((permissions) => permissions[what] ?? []));
    // A comma separates; two are one.
    const list = [...values].map((value) => value.replaceAll(",", ",,")).join(",");
    return list === "" ? [] : [`--allow-${what}=${list}`];
  });
  return [...ALWAYS, IGNORE_OTHER_SETTINGS, ...allow];
}

function configOrNothing(
  read: Settings["read"],
  environment: Environment,
): Readonly<Record<string, unknown>> {
  try {
    return { ...read(environment) };
  } catch (error) {
    if (error instanceof ConfigError) return {};
    throw error;
  }
}

/** The hosts of listeners, external services and files in the settings. */
function neededFor(name: string, value: unknown, directory: string): Permissions[] {
  if (name.endsWith(CALLERS_SUFFIX)) return [];
  if (name === "KAFKA_BROKERS") return [{ net: anyPort(value as readonly string[]) }];
  if (Array.isArray(value)) return value.flatMap((item) => neededFor(name, item, directory));
  if (typeof value === "object" && value !== null && "port" in value && "host" in value) {
    return [{ net: [formatHostPort(value as HostPort)] }];
  }
  return typeof value === "string" ? [neededForText(name, value, directory)] : [];
}

function neededForText(name: string, text: string, directory: string): Permissions {
  // A PEM file may be given as text.
  if (PEM_FILE.test(name)) return text.includes("\n") ? {} : { read: [resolve(directory, text)] };
  if (name === "CART_STORE_URL") return { net: storeHosts(text) };
  return isDatabaseUrl(text) ? neededForDatabase(text, directory) : { net: addressesIn(text) };
}

function addressesIn(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const { protocol, hostname, port } = new URL(text);
  const defaultPort = DEFAULT_PORTS[protocol];
  return defaultPort ? [`${hostname}:${port || defaultPort}`] : [];
}

/** For servers that advertise further addresses, whose ports are not known in advance. */
function anyPort(addresses: readonly string[]): string[] {
  return addresses.map((address) => address.slice(0, address.lastIndexOf(":")));
}

function storeHosts(url: string): string[] {
  const { kind, hosts } = readStoreUrl(url);
  const addresses = hosts.map(formatHostPort);
  return kind === "server" ? addresses : anyPort(addresses);
}

/** A host name, for resolving it, and its current addresses. */
async function resolved({ host, port }: HostPort): Promise<string[]> {
  if (isIP(host)) return [];
  const found = await lookup(host, { all: true }).catch(() => []);
  return [host, ...found.map(({ address }) => formatHostPort({ host: address, port }))];
}

function neededForDatabase(url: string, directory: string): Permissions {
  const { parameters, user } = readLibpqUri(url);
  const { servers } = readDatabaseUrl(url);
  const sockets = servers.map(unixSocket).filter((path) => path !== undefined);
  return {
    net: [
      ...servers.filter((server) => unixSocket(server) === undefined)
        .map(({ address, port }) => formatHostPort({ host: address, port })),
      ...sockets.map((path) => `unix:${path}`),
    ],
    read: [...tlsFiles(parameters).map((path) => resolve(directory, path)), ...sockets],
    write: sockets,
    sys: [
      ...parameters.get("sslrootcert") === "system" ? ["ca"] : [],
      // Without a name, libpq uses the name of the account.
      ...user || parameters.get("user") ? [] : ["uid", "gid", "userInfo"],
    ],
  };
}
