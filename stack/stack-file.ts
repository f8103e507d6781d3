import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** Writes the facts where tools and services started alone look for them, for this user only. */
export function noteStack(dataDirectory: string, facts: StackFacts): void {
  const { databases, urls } = facts;
  const settings = {
    LOCAL_DATABASE_URL: databases.loms,
    LOCAL_DATABASE_REPLICA_URLS: databases.lomsReplicas.join(","),
    LOCAL_BUS_DATABASE_URL: databases.bus,
    LOCAL_KAFKA_BROKERS: facts.kafkaBrokers ?? "",
    LOCAL_NOTIFIER_DATABASE_URL: databases.notifier,
    LOCAL_PRODUCT_URL: urls.products,
    LOCAL_LOMS_GRPC_URL: urls.lomsGrpc,
    LOCAL_CART_ORIGINS: originsOf(urls.cart),
    LOCAL_LOMS_ORIGINS: urls.loms ? originsOf(urls.loms) : "",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
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
