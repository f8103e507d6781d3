import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "../shared/config.ts";
import { denoFlags } from "./deno-permissions.ts";
import { type Addresses, type ListenerName, listenerSettings } from "./addresses.ts";
import { type ServicePart, SETTINGS } from "./plan.ts";
import { SYSTEM_PATH } from "./processes/child.ts";
import { commandFor, findRuntime, ownRuntime, type Runtime } from "./processes/runtimes.ts";

/** The root of the project, where services run. */
export const PROJECT_DIRECTORY = fileURLToPath(new URL("..", import.meta.url));

/**
 * Node's compile cache: stripped TypeScript and V8 code. It depends on the packages and the source,
 * so it survives a reset of the data.
 */
const MODULE_CACHE = join(PROJECT_DIRECTORY, "node_modules/.cache/modules");

/** node:http and grpc-js are both faster on Node. */
export const DEFAULT_RUNTIME: Runtime = "node";

const MAINS = {
  products: "stack/products/main.ts",
  loms: "loms/main.ts",
  notifier: "notifier/main.ts",
  cart: "cart/main.ts",
} as const satisfies Record<ServicePart, string>;

/** The listener whose /readyz reports whether a service can serve. */
export function healthListener(part: ServicePart): ListenerName {
  return `${part.toUpperCase() as Uppercase<ServicePart>}_HTTP`;
}

/** Every service on this runtime; if undefined, on the default. */
export function allOn(runtime: Runtime | undefined): Partial<Record<ServicePart, Runtime>> {
  if (!runtime) return {};
  return Object.fromEntries(Object.keys(MAINS).map((part) => [part, runtime]));
}

/**
 * Returns the command of a service with these settings, on `runtime` or the default; if that is not
 * installed, on the launcher's own. On Deno it gets only the permissions that the settings need.
 */
export async function serviceCommand(
  part: ServicePart,
  runtime: Runtime | undefined,
  environment: Environment,
): Promise<string[]> {
  const chosen = runtime ?? (findRuntime(DEFAULT_RUNTIME) ? DEFAULT_RUNTIME : ownRuntime());
  const flags = chosen === "deno" ? await denoFlags(part, PROJECT_DIRECTORY, environment) : [];
  return commandFor(chosen, MAINS[part], flags);
}

/**
 * The environment of a service: the launcher's own, and the settings of the wiring that it reads.
 */
export async function serviceEnvironment(
  part: ServicePart,
  addresses: Addresses,
  wired: Environment,
  given: Environment,
): Promise<Record<string, string>> {
  const { names } = await SETTINGS[part]();
  const own = Object.entries(wired).filter(([name]) => names.includes(name));
  const set = [...own, ...Object.entries(given)].filter(([, value]) => value);
  return {
    PATH: SYSTEM_PATH,
    HOME: homedir(),
    NODE_COMPILE_CACHE: MODULE_CACHE,
    ...Object.fromEntries(set) as Record<string, string>,
    ...listenerSettings(part, addresses) as Record<string, string>,
    // The launcher renders the lines that it shows; the log files keep every field.
    LOG_FORMAT: "json",
  };
}
