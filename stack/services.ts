import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Environment, reachable } from "../shared/config.ts";
import { denoFlags } from "./deno-permissions.ts";
import { type Addresses, type ListenerName, listenerSettings } from "./addresses.ts";
import { originsOf } from "./origins.ts";
import type { Databases, ServicePart } from "./plan.ts";
import { SYSTEM_PATH } from "./processes/child.ts";
import { commandFor, findRuntime, ownRuntime, type Runtime } from "./processes/runtimes.ts";

/** The root of the project, where services run. */
export const PROJECT_DIRECTORY = fileURLToPath(new URL("..", import.meta.url));

/**
 * Where Node keeps what it made of the modules: TypeScript without its types, and V8's code. It belongs
 * to the packages and the source, so it outlives the data.
 */
const MODULE_CACHE = join(PROJECT_DIRECTORY, "node_modules/.cache/modules");

interface ServiceFacts {
  readonly main: string;
  /** The one that serves it faster: Deno's HTTP server is, grpc-js is on Node. */
  readonly runtime: Runtime;
  /** The listener whose /readyz says whether it can serve. */
  readonly health: ListenerName;
}

export const SERVICES = {
  products: { main: "stack/products/main.ts", runtime: "node", health: "PRODUCTS_HTTP" },
  loms: { main: "loms/main.ts", runtime: "node", health: "LOMS_HTTP" },
  notifier: { main: "notifier/main.ts", runtime: "node", health: "NOTIFIER_HTTP" },
  cart: { main: "cart/main.ts", runtime: "deno", health: "CART_HTTP" },
} as const satisfies Record<ServicePart, ServiceFacts>;

/** Every service on this runtime; without one, each on its own. */
export function allOn(runtime: Runtime | undefined): Partial<Record<ServicePart, Runtime>> {
  if (!runtime) return {};
  return Object.fromEntries(Object.keys(SERVICES).map((part) => [part, runtime]));
}

/**
 * The command that runs a service with these settings, on `runtime` or else on the one that serves
 * it best. Under Deno it may do what the settings need and nothing else.
 */
export async function serviceCommand(
  part: ServicePart,
  runtime: Runtime | undefined,
  environment: Environment,
): Promise<string[]> {
  const { main, runtime: best } = SERVICES[part];
  const chosen = runtime ?? (findRuntime(best) ? best : ownRuntime());
  const flags = chosen === "deno" ? await denoFlags(part, PROJECT_DIRECTORY, environment) : [];
  return commandFor(chosen, main, flags);
}

/** All that a service finds in its environment: what the launcher was given, and where parts are. */
export function serviceEnvironment(
  part: ServicePart,
  addresses: Addresses,
  databases: Databases,
  given: Environment,
): Record<string, string> {
  const { listeners } = addresses;
  const wired: Readonly<Record<ServicePart, Environment>> = {
    products: {},
    loms: {
      DATABASE_URL: databases.loms,
      DATABASE_REPLICA_URLS: databases.lomsReplicas.join(","),
      BUS_DATABASE_URL: databases.bus,
      CART_ORIGINS: originsOf(`http://${reachable(listeners.CART_HTTP)}`),
    },
    notifier: { BUS_DATABASE_URL: databases.bus, NOTIFIER_DATABASE_URL: databases.notifier },
    cart: {
      PRODUCT_URL: `http://${reachable(listeners.PRODUCTS_HTTP)}`,
      LOMS_GRPC_URL: reachable(listeners.LOMS_GRPC),
      LOMS_ORIGINS: originsOf(`http://${reachable(listeners.LOMS_HTTP)}`),
    },
  };
  const set = Object.entries(given).filter(([, value]) => value);
  return {
    PATH: SYSTEM_PATH,
    HOME: homedir(),
    NODE_COMPILE_CACHE: MODULE_CACHE,
    ...wired[part] as Record<string, string>,
    ...Object.fromEntries(set) as Record<string, string>,
    ...listenerSettings(part, addresses) as Record<string, string>,
    // Whoever shows the lines renders them; the log files keep every field.
    LOG_FORMAT: "json",
  };
}
