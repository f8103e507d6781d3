import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../shared/config.ts";
import { originsOf } from "./addresses.ts";
import type { Databases } from "./plan.ts";
import { PROJECT_DIRECTORY } from "./services.ts";

export interface StackUrls {
  readonly cart: string;
  /** The gateway; unknown when loms is not a part of this stack. */
  readonly loms: string | undefined;
  /** host:port. */
  readonly lomsGrpc: string;
  /** The stock API; unknown when loms is not a part of this stack. */
  readonly lomsAdmin: string | undefined;
  readonly notifier: string;
  readonly products: string;
}

/** What tools need to know of a running stack. The database URLs hold passwords. */
export interface StackFacts {
  readonly urls: StackUrls;
  readonly databases: Databases;
  /** The addresses of Apache Kafka, comma separated; without it events go over the embedded bus. */
  readonly kafkaBrokers?: string | undefined;
  /** Holds `<service>.log`, JSON lines. */
  readonly logDirectory: string;
}

const FACTS_FILE = "stack.json";
/** Where a service that is started alone finds the running stack, for what it was not given. */
const SETTINGS_FILE = "stack.env";

/** Where the services find each other and their databases, as settings. */
export function wiring({ databases, urls, kafkaBrokers = "" }: StackFacts): Environment {
  return {
    DATABASE_URL: databases.loms,
    DATABASE_REPLICA_URLS: databases.lomsReplicas.join(","),
    BUS_DATABASE_URL: databases.bus,
    KAFKA_BROKERS: kafkaBrokers,
    NOTIFIER_DATABASE_URL: databases.notifier,
    PRODUCT_URL: urls.products,
    LOMS_GRPC_URL: urls.lomsGrpc,
    CART_ORIGINS: originsOf(urls.cart),
    LOMS_ORIGINS: urls.loms ? originsOf(urls.loms) : "",
  };
}

/** Writes the facts where tools and services started alone look for them, for this user only. */
export function noteStack(dataDirectory: string, facts: StackFacts): void {
  const lines = Object.entries(wiring(facts)).map(([name, value]) => `LOCAL_${name}=${value}\n`);
  writeWhole(join(dataDirectory, SETTINGS_FILE), lines.join(""));
  writeWhole(join(dataDirectory, FACTS_FILE), `${JSON.stringify(facts, undefined, 2)}\n`);
}

/** The facts of the stack that runs on the directory; undefined when none does. */
export function readStack(dataDirectory: string): StackFacts | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDirectory, FACTS_FILE), "utf8")) as StackFacts;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

export function forgetStack(dataDirectory: string): void {
  for (const name of [FACTS_FILE, SETTINGS_FILE]) {
    rmSync(join(dataDirectory, name), { force: true });
  }
}

function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.new`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, path);
}

/** Where `npm start` keeps what stays, unless STACK_DATA names another directory. */
export const DATA_DIRECTORY = join(PROJECT_DIRECTORY, ".data");
