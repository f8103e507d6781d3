import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../shared/config.ts";
import { originsOf } from "./addresses.ts";
import type { Databases } from "./plan.ts";
import { PROJECT_DIRECTORY } from "./services.ts";

export interface StackUrls {
  readonly cart: string;
  /** The gateway; undefined if loms is not part of this stack. */
  readonly loms: string | undefined;
  /** host:port. */
  readonly lomsGrpc: string;
  /** The stock API; undefined if loms is not part of this stack. */
  readonly lomsAdmin: string | undefined;
  readonly notifier: string;
  readonly products: string;
}

/** What tools need to know about a running stack. The database URLs contain passwords. */
export interface StackFacts {
  readonly urls: StackUrls;
  readonly databases: Databases;
  /** The addresses of Apache Kafka, comma separated; undefined with the embedded bus. */
  readonly kafkaBrokers?: string | undefined;
  /** Holds `<service>.log`, JSON lines. */
  readonly logDirectory: string;
}

const FACTS_FILE = "stack.json";
/** Gives a service that is started alone the settings of the running stack. */
const SETTINGS_FILE = "stack.env";

/** The settings by which services find each other and their databases. */
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

/** Writes the facts for tools and for services started alone, readable by this user only. */
export function writeStack(dataDirectory: string, facts: StackFacts): void {
  const lines = Object.entries(wiring(facts)).map(([name, value]) => `LOCAL_${name}=${value}\n`);
  writeWhole(join(dataDirectory, SETTINGS_FILE), lines.join(""));
  writeWhole(join(dataDirectory, FACTS_FILE), `${JSON.stringify(facts, undefined, 2)}\n`);
}

/** The facts of the stack that runs on the directory; undefined if none does. */
export function readStack(dataDirectory: string): StackFacts | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDirectory, FACTS_FILE), "utf8")) as StackFacts;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

export function removeStack(dataDirectory: string): void {
  for (const name of [FACTS_FILE, SETTINGS_FILE]) {
    rmSync(join(dataDirectory, name), { force: true });
  }
}

function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.new`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, path);
}

/** The data directory of `npm start`, unless STACK_DATA names another. */
export const DATA_DIRECTORY = join(PROJECT_DIRECTORY, ".data");
