import { type Environment, formatHostPort, type HostPort } from "../shared/config.ts";
import { LOCAL_PORTS } from "../shared/postgres/database-setting.ts";
import type { PostgresPart } from "./postgres/pair.ts";
import { type ServicePart, SETTINGS } from "./plan.ts";
import { freePorts, isFree } from "./ports.ts";

const LOOPBACK = "127.0.0.1";

/** The service of each setting with a listening address. */
const LISTENERS = {
  PRODUCTS_HTTP: "products",
  LOMS_HTTP: "loms",
  LOMS_GRPC: "loms",
  LOMS_ADMIN: "loms",
  LOMS_PROFILE: "loms",
  NOTIFIER_HTTP: "notifier",
  NOTIFIER_PROFILE: "notifier",
  CART_HTTP: "cart",
  CART_PROFILE: "cart",
} as const satisfies Record<string, ServicePart>;

export type ListenerName = keyof typeof LISTENERS;

export interface Addresses {
  readonly listeners: Readonly<Record<ListenerName, HostPort>>;
  readonly postgres: ReadonlyMap<PostgresPart, number>;
}

/**
 * Returns the address of every listener and the port of every PostgreSQL server.
 * @param free selects free ports where none is set, instead of the documented ones
 * @throws {ConfigError} naming every wrong address of a service
 */
export async function chooseAddresses(
  environment: Environment,
  postgres: readonly PostgresPart[],
  free: boolean,
): Promise<Addresses> {
  const names = Object.keys(LISTENERS) as ListenerName[];
  const ports = await freePorts(names.length + postgres.length);
  const listener = async (name: ListenerName): Promise<readonly [ListenerName, HostPort]> => {
    const given = environment[name] || undefined;
    const { read } = await SETTINGS[LISTENERS[name]]();
    // Without the setting, the service's default. An address beyond loopback needs the token.
    const { LOMS_ADMIN_TOKEN } = environment;
    const config = read({ [name]: given, LOMS_ADMIN_TOKEN }) as Readonly<Record<string, HostPort>>;
    const address = config[name] as HostPort;
    const port = ports.pop() as number;
    return [name, address.port === 0 || free && !given ? { ...address, port } : address];
  };
  const postgresPort = (part: PostgresPart): number =>
    free ? ports.pop() as number : LOCAL_PORTS[part];
  return {
    listeners: Object.fromEntries(
      await Promise.all(names.map(listener)),
    ) as Record<ListenerName, HostPort>,
    postgres: new Map(postgres.map((part) => [part, postgresPort(part)])),
  };
}

/** The listening addresses of a service, as settings. */
export function listenerSettings(part: ServicePart, { listeners }: Addresses): Environment {
  const own = (Object.keys(LISTENERS) as ListenerName[])
    .filter((name) => LISTENERS[name] === part);
  return Object.fromEntries(own.map((name) => [name, formatHostPort(listeners[name])]));
}

/** @throws {Error} naming each address in use, before anything starts */
export async function checkFree(
  addresses: Addresses,
  parts: readonly ServicePart[],
): Promise<void> {
  const taken: string[] = [];
  for (const [name, part] of Object.entries(LISTENERS)) {
    // Profiles are optional; the service logs when it cannot listen there.
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

/** Host names of the same listener in a browser on this machine. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1"];

/** Returns the origins of a listener's URL as browsers may send them, comma separated. */
export function originsOf(url: string): string {
  const { hostname } = new URL(url);
  const names = LOOPBACK_NAMES.includes(hostname) ? LOOPBACK_NAMES : [hostname];
  return names.map((name) => {
    const named = new URL(url);
    named.hostname = name;
    return named.origin;
  }).join(",");
}
