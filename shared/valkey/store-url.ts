import { z } from "zod";
import { type HostPort, hostPort, type SettingProblem } from "../config.ts";

const STORE_URL = new RegExp(
  "^redis(?<tls>s)?(\\+(?<kind>cluster|sentinel))?://((?<user>[^:@/]*)(:(?<password>[^@/]*))?@)?" +
    "(?<hosts>[^@/?#]+)(/(?<path>[^?#@]*))?(\\?(?<query>[^#@]*))?$",
);
const PORT = 6379;
const SENTINEL_PORT = 26_379;
const DATABASE = /^(0|[1-9][0-9]{0,3})$/;
const NAME = /^[\w.-]+$/;

/** The address of a store of Valkey or Redis. */
export interface StoreAddress {
  readonly kind: "server" | "cluster" | "sentinel";
  /** The server, some nodes of the cluster, or the sentinels. */
  readonly hosts: readonly HostPort[];
  /** The sentinels' name of the primary. */
  readonly primary?: string | undefined;
  readonly tls: boolean;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The password of the sentinels. */
  readonly sentinelPassword?: string | undefined;
  readonly database: number;
}

/** The message names the violated rule, and nothing of the URL, which may contain a password. */
class StoreUrlError extends Error {
  override readonly name = "StoreUrlError";
}

/**
 * Reads `redis://host:port/database`, `redis+cluster://host:port,…` or
 * `redis+sentinel://host:port,…/primary/database?sentinel_password=…`; `rediss` uses TLS. A user
 * and a password come before the hosts, percent-encoded.
 * @throws {StoreUrlError}
 */
export function readStoreUrl(text: string): StoreAddress {
  const parts = STORE_URL.exec(text)?.groups;
  if (!parts) {
    throw new StoreUrlError(
      "is not a URL such as redis://127.0.0.1:6379/0, redis+cluster://a:6379,b:6379 or " +
        "redis+sentinel://a:26379,b:26379/primary, or the same with rediss; " +
        "a user and passwords are percent-encoded",
    );
  }
  const kind = parts["kind"] as "cluster" | "sentinel" | undefined ?? "server";
  return {
    kind,
    hosts: readHosts(parts["hosts"] as string, kind),
    tls: parts["tls"] !== undefined,
    username: decoded(parts["user"]),
    password: decoded(parts["password"]),
    sentinelPassword: readQuery(parts["query"] ?? "", kind),
    ...readPath(parts["path"] ?? "", kind),
  };
}

function readHosts(text: string, kind: StoreAddress["kind"]): HostPort[] {
  const hosts = text.split(",").map((each) => {
    const hasPort = /:[0-9]*$/.test(each.replace(/^\[.*\]/, ""));
    const port = kind === "sentinel" ? SENTINEL_PORT : PORT;
    const { data } = hostPort.safeParse(hasPort ? each : `${each}:${port}`);
    if (!data?.port) throw new StoreUrlError(`has "${each}" in place of a host or host:port`);
    return data;
  });
  if (kind === "server" && hosts.length > 1) {
    throw new StoreUrlError("has several hosts, as only redis+cluster and redis+sentinel have");
  }
  return hosts;
}

function readPath(text: string, kind: StoreAddress["kind"]) {
  const path = text.split("/");
  const primary = kind === "sentinel" ? path.shift() ?? "" : undefined;
  if (primary !== undefined && !NAME.test(primary)) {
    throw new StoreUrlError("has no name of a primary, as in redis+sentinel://a:26379/primary");
  }
  const database = path.join("/") || "0";
  if (!DATABASE.test(database)) throw new StoreUrlError("has no number of a database in its path");
  if (kind === "cluster" && database !== "0") {
    throw new StoreUrlError("names a database, and a cluster has only number 0");
  }
  return { primary, database: Number(database) };
}

function readQuery(text: string, kind: StoreAddress["kind"]): string | undefined {
  const parameters = new URLSearchParams(text);
  for (const name of parameters.keys()) {
    if (name === "sentinel_password" && kind === "sentinel") continue;
    throw new StoreUrlError(
      `has a parameter "${name}", and only redis+sentinel has one, sentinel_password`,
    );
  }
  return parameters.get("sentinel_password") ?? undefined;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text ? decodeURIComponent(text) : undefined;
  } catch {
    throw new StoreUrlError("has a user or password that is not percent-encoded");
  }
}

const storeUrl = z.string().superRefine((text, context) => {
  try {
    readStoreUrl(text);
  } catch (error) {
    if (!(error instanceof StoreUrlError)) throw error;
    context.addIssue(error.message);
  }
});

/** Without a URL, carts are in memory. */
export const storeSettings = {
  CART_STORE_URL: storeUrl.optional(),
  CART_STORE_TLS_CA: z.string().optional(),
  CART_STORE_TLS_CERT: z.string().optional(),
  CART_STORE_TLS_KEY: z.string().optional(),
};

export type StoreConfig = z.output<z.ZodObject<typeof storeSettings>>;

/** Finds settings that contradict each other. */
export function checkStore(config: StoreConfig): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const { CART_STORE_TLS_CERT: cert, CART_STORE_TLS_KEY: key } = config;
  if (cert && !key) {
    problems.push({ name: "CART_STORE_TLS_CERT", message: "needs CART_STORE_TLS_KEY" });
  }
  if (key && !cert) {
    problems.push({ name: "CART_STORE_TLS_KEY", message: "needs CART_STORE_TLS_CERT" });
  }
  for (const name of ["CART_STORE_TLS_CA", "CART_STORE_TLS_CERT"] as const) {
    if (config[name] && !config.CART_STORE_URL?.startsWith("rediss")) {
      problems.push({ name, message: "needs a CART_STORE_URL that begins with rediss" });
    }
  }
  return problems;
}
