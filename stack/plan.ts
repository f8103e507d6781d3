import type { Environment } from "../shared/config.ts";
import { splitUrls } from "../shared/postgres/database-setting.ts";

export type ServicePart = "products" | "loms" | "notifier" | "cart";

/** Which parts a start brings up. */
export interface Plan {
  readonly postgres: boolean;
  readonly services: readonly ServicePart[];
}

/** Where the databases of a stack are, as URLs with user and password. */
export interface Databases {
  readonly loms: string;
  /** Synchronous replicas of loms' database. */
  readonly lomsReplicas: readonly string[];
  readonly bus: string;
  readonly notifier: string;
}

/**
 * A part whose address is given is not started: the product stand-in (PRODUCT_URL), loms
 * (LOMS_GRPC_URL), and PostgreSQL once every database has an address.
 */
export function planStack(environment: Environment): Plan {
  const services: ServicePart[] = ["notifier", "cart"];
  if (!environment.LOMS_GRPC_URL) services.unshift("loms");
  if (!environment.PRODUCT_URL) services.unshift("products");
  return { postgres: givenDatabases(environment) === undefined, services };
}

/** The databases if all are given; DATABASE_URL holds what has no address of its own. */
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
