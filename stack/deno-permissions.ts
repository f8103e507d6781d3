import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { ConfigError, type Environment, formatHostPort, type HostPort } from "../shared/config.ts";
import type { ServicePart } from "./plan.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { readDatabaseUrl, unixSocket } from "../shared/postgres/database-url.ts";
import { isDatabaseUrl, readLibpqUri } from "../shared/postgres/libpq-uri.ts";
import { tlsFiles } from "../shared/postgres/tls-settings.ts";

// What a service may do under Deno, derived from its settings: nothing that it does not need.

interface Needs {
  /** What it reads while it runs, below the project; imports need no permission. */
  readonly folders: readonly string[];
  /** Settings whose host name grpc-js resolves itself; it then opens the IP address. */
  readonly grpc: readonly string[];
  /** The system information that it reads. */
  readonly sys?: readonly string[];
}

/** What takes profiles of the process. */
const PROFILES = ["inspector"];

const NEEDS = {
  cart: {
    folders: ["cart", "shared", "proto", "node_modules"],
    grpc: ["LOMS_GRPC_URL"],
    sys: PROFILES,
  },
  loms: {
    folders: ["loms", "shared", "proto", "drizzle/loms", "node_modules"],
    grpc: ["LOMS_GRPC"],
    // @grpc/proto-loader looks whether it may read its files.
    sys: [...PROFILES, "uid"],
  },
  notifier: {
    folders: ["notifier", "shared", "proto", "drizzle/notifier", "node_modules"],
    grpc: [],
    sys: PROFILES,
  },
  products: {
    folders: ["stack/products", "shared", "proto", "node_modules"],
    grpc: [],
  },
} as const satisfies Record<ServicePart, Needs>;

/** No prompt, no installation and no download, whatever deno.json sets. */
const ALWAYS = [
  ...["--no-prompt", "--no-remote", "--deny-import"],
  ...["--no-lock", "--node-modules-dir=manual"],
];
/** Packages look for settings of their own; to them nothing else is set. */
const IGNORE_OTHER_SETTINGS = "--ignore-env";
/** Settings that name a PEM file. */
const PEM_FILE =
  /^KAFKA_TLS_(CA|CERT|KEY)$|^OTEL_EXPORTER_OTLP_(TRACES_)?(CLIENT_)?(CERTIFICATE|KEY)$/;
/** A service names those that it does not know in its log. */
const OTEL_PREFIX = "OTEL_";
/** Settings that name origins of callers: the service opens no connection to them. */
const CALLERS_SUFFIX = "_ORIGINS";
const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  "http:": "80",
  "https:": "443",
};

/**
 * The flags of `deno run` for a service with these settings. Wrong settings leave it no network:
 * the service itself says what is wrong with them.
 */
export async function denoFlags(
  part: ServicePart,
  projectDirectory: string,
  environment: Environment,
): Promise<string[]> {
  const needs: Needs = NEEDS[part];
  const { names, read } = await SETTINGS[part]();
  const config = configOrNothing(read, environment);
  const otel = Object.keys(environment)
    .filter((name) => name.startsWith(OTEL_PREFIX) && !names.includes(name));
  const folders = needs.folders.map((folder) => join(projectDirectory, folder));
  const databases = databasePermissions(databaseUrls(config), projectDirectory);
  return [
    ...ALWAYS,
    IGNORE_OTHER_SETTINGS,
    ...allow("env", [...names.flatMap((name) => [name, `LOCAL_${name}`]), ...otel]),
    ...allow("read", [...folders, ...filesOf(config, projectDirectory), ...databases.read]),
    ...allow("write", databases.write),
    ...allow("sys", [...needs.sys ?? [], ...databases.sys]),
    ...allow("net", [...await reachedBy(config, needs.grpc), ...databases.net]),
  ];
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

function allow(what: string, values: readonly string[]): string[] {
  if (values.length === 0) return [];
  // A comma separates; two are one.
  return [`--allow-${what}=${values.map((value) => value.replaceAll(",", ",,")).join(",")}`];
}

/** What brokers and collectors are known by may be files. */
function filesOf(config: Readonly<Record<string, unknown>>, directory: string): string[] {
  return Object.entries(config)
    .filter(([name]) => PEM_FILE.test(name))
    .map(([, value]) => value)
    .filter((value): value is string => typeof value === "string" && !value.includes("\n"))
    .map((path) => resolve(directory, path));
}

async function reachedBy(
  config: Readonly<Record<string, unknown>>,
  grpc: readonly string[],
): Promise<string[]> {
  const reached: string[] = [];
  for (const [name, value] of Object.entries(config)) {
    if (name.endsWith(CALLERS_SUFFIX)) continue;
    if (name === "KAFKA_BROKERS") reached.push(...brokerHosts(value as readonly string[]));
    else reached.push(...addressesIn(value));
    if (grpc.includes(name)) reached.push(...await resolved(value as HostPort));
  }
  return [...new Set(reached)];
}

/** The listeners and the parts outside among the settings, as `host:port`. */
function addressesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(addressesIn);
  if (typeof value === "object" && value !== null && "port" in value && "host" in value) {
    return [formatHostPort(value as HostPort)];
  }
  if (typeof value !== "string" || !URL.canParse(value)) return [];
  const { protocol, hostname, port } = new URL(value);
  const defaultPort = DEFAULT_PORTS[protocol];
  return defaultPort ? [`${hostname}:${port || defaultPort}`] : [];
}

/** Brokers tell their clients the addresses to call; their ports are not known before. */
function brokerHosts(brokers: readonly string[]): string[] {
  return brokers.map((broker) => broker.slice(0, broker.lastIndexOf(":")));
}

/** A name, to look it up, and the addresses that it has now. */
async function resolved({ host, port }: HostPort): Promise<string[]> {
  if (isIP(host)) return [];
  const found = await lookup(host, { all: true }).catch(() => []);
  return [host, ...found.map(({ address }) => formatHostPort({ host: address, port }))];
}

/** What `deno run` must allow, by flag. */
export interface DatabasePermissions {
  readonly net: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly sys: readonly string[];
}

/** The permissions to connect to the databases of these valid URLs. */
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
