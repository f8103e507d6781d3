import { ConfigError, type Environment, type SettingProblem } from "../shared/config.ts";
import { splitUrls } from "../shared/postgres/database-setting.ts";

export type ServicePart = "products" | "loms" | "notifier" | "cart";

/** The components that a start runs. */
export interface Plan {
  readonly postgres: boolean;
  readonly services: readonly ServicePart[];
}

/** The databases of a stack, as URLs with user and password. */
export interface Databases {
  readonly loms: string;
  /** Synchronous replicas of loms' database. */
  readonly lomsReplicas: readonly string[];
  readonly bus: string;
  readonly notifier: string;
}

/**
 * A component with a given address is not started: the product stand-in (PRODUCT_URL), loms
 * (LOMS_GRPC_URL), and PostgreSQL if every database has an address.
 */
export function planStack(environment: Environment): Plan {
  const services: ServicePart[] = ["notifier", "cart"];
  if (!environment.LOMS_GRPC_URL) services.unshift("loms");
  if (!environment.PRODUCT_URL) services.unshift("products");
  return { postgres: givenDatabases(environment) === undefined, services };
}

/** The databases, if all are given; DATABASE_URL is the default of the others. */
export function givenDatabases(environment: Environment): Databases | undefined {
  const { DATABASE_URL: loms, DATABASE_REPLICA_URLS: replicas } = environment;
  if (!loms) return undefined;
  return {
    loms,
    lomsReplicas: splitUrls(replicas ?? ""),
    bus: environment.BUS_DATABASE_URL || loms,
    notifier: environment.NOTIFIER_DATABASE_URL || loms,
  };
}

/** A service's reader of its settings. */
export interface Settings {
  readonly names: readonly string[];
  /** @throws {ConfigError} */
  read(environment: Environment): object;
}

/** The settings of each service; loaded on use, because they import packages. */
export const SETTINGS: Readonly<Record<ServicePart, () => Promise<Settings>>> = {
  cart: () =>
    import("../cart/config.ts")
      .then(({ CART_SETTINGS: names, cartConfig: read }) => ({ names, read })),
  loms: () =>
    import("../loms/config.ts")
      .then(({ LOMS_SETTINGS: names, lomsConfig: read }) => ({ names, read })),
  notifier: () =>
    import("../notifier/config.ts")
      .then(({ NOTIFIER_SETTINGS: names, notifierConfig: read }) => ({ names, read })),
  products: () =>
    import("./products/config.ts")
      .then(({ PRODUCTS_SETTINGS: names, productsConfig: read }) => ({ names, read })),
};

/**
 * Reads the settings like the services, before anything starts.
 * @throws {ConfigError} naming every invalid setting of all services once
 */
export async function checkSettings(
  parts: readonly ServicePart[],
  environment: Environment,
): Promise<void> {
  const problems = new Map<string, SettingProblem>();
  for (const part of parts) {
    const { read } = await SETTINGS[part]();
    try {
      read(environment);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Services share settings, and report the same problems.
      for (const problem of error.problems) problems.set(problem.name, problem);
    }
  }
  if (problems.size > 0) throw new ConfigError([...problems.values()]);
}
