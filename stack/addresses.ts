import {
  type Environment,
  formatHostPort,
  type HostPort,
  hostPort,
  readConfig,
} from "../shared/config.ts";
import type { PostgresPart } from "./postgres/pair.ts";
import type { ServicePart } from "./plan.ts";
import { freePorts, isFree } from "./ports.ts";

const LOOPBACK = "127.0.0.1";

/** Each listening address by the setting that changes it, with its default port on loopback. */
const LISTENERS = {
  PRODUCTS_HTTP: { part: "products", port: 8090 },
  LOMS_HTTP: { part: "loms", port: 8084 },
  LOMS_GRPC: { part: "loms", port: 50_051 },
  LOMS_PROFILE: { part: "loms", port: 9084 },
  NOTIFIER_HTTP: { part: "notifier", port: 8086 },
  NOTIFIER_PROFILE: { part: "notifier", port: 9086 },
  CART_HTTP: { part: "cart", port: 8082 },
  CART_PROFILE: { part: "cart", port: 9082 },
} as const satisfies Record<string, { part: ServicePart; port: number }>;

export type ListenerName = keyof typeof LISTENERS;

const POSTGRES_PORTS = { primary: 15_432, standby1: 15_433, standby2: 15_434 } as const;

export interface Addresses {
  readonly listeners: Readonly<Record<ListenerName, HostPort>>;
  readonly postgres: ReadonlyMap<PostgresPart, number>;
}

export interface AddressOptions {
  readonly environment: Environment;
  /** Free ports where none is set, instead of the documented ones. */
  readonly free: boolean;
  /** PostgreSQL servers to find ports for. */
  readonly postgres: readonly PostgresPart[];
}

/** @throws {ConfigError} naming every wrong address */
export async function chooseAddresses(options: AddressOptions): Promise<Addresses> {
  const names = Object.keys(LISTENERS) as ListenerName[];
  const shape = Object.fromEntries(names.map((name) => [name, hostPort.optional()]));
  const given = readConfig(shape, options.environment);
  const ports = await freePorts(names.length + options.postgres.length);
  const listener = (name: ListenerName): HostPort => {
    const free = ports.pop() as number;
    const chosen = given[name] ??
      { host: LOOPBACK, port: options.free ? 0 : LISTENERS[name].port };
    return chosen.port === 0 ? { ...chosen, port: free } : chosen;
  };
  const postgresPort = (part: PostgresPart): number =>
    options.free ? ports.pop() as number : POSTGRES_PORTS[part];
  return {
    listeners: Object.fromEntries(
      names.map((name) => [name, listener(name)]),
    ) as Record<ListenerName, HostPort>,
    postgres: new Map(options.postgres.map((part) => [part, postgresPort(part)])),
  };
}

/** The listening addresses of a service, as its settings. */
export function listenerSettings(part: ServicePart, { listeners }: Addresses): Environment {
  const own = (Object.keys(LISTENERS) as ListenerName[])
    .filter((name) => LISTENERS[name].part === part);
  return Object.fromEntries(own.map((name) => [name, formatHostPort(listeners[name])]));
}

/** @throws {Error} naming each address that another process listens on, before anything starts */
export async function checkFree(
  addresses: Addresses,
  parts: readonly ServicePart[],
): Promise<void> {
  const taken: string[] = [];
  for (const [name, { part }] of Object.entries(LISTENERS)) {
    // Profiles are no door that anybody waits for; their service says it when it cannot listen.
    if (!parts.includes(part) || name.endsWith("_PROFILE")) continue;
    const address = addresses.listeners[name as ListenerName];
    if (!await isFree(address)) taken.push(`${name} ${formatHostPort(address)}`);
  }
  for (const [part, port] of addresses.postgres) {
    if (!await isFree({ host: LOOPBACK, port })) {
      taken.push(`PostgreSQL ${part} ${LOOPBACK}:${port}`);
    }
  }
  if (taken.length === 0) return;
  throw new Error(
    `Another process listens on ${taken.join(" and on ")}: stop it, set another address, ` +
      "or start with --free-ports",
  );
}
