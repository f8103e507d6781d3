import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { TaskGroup } from "../shared/async/task-group.ts";
import { type Environment, reachable } from "../shared/config.ts";
import { CloseStack } from "../shared/lifecycle.ts";
import { type Addresses, checkFree, chooseAddresses } from "./addresses.ts";
import { type LauncherLock, takeLauncherLock } from "./launcher-lock.ts";
import type { KafkaBroker } from "./kafka/broker.ts";
import { startKafkaPart } from "./kafka/part.ts";
import {
  checkSettings,
  type Databases,
  givenDatabases,
  type Plan,
  planStack,
  type ServicePart,
} from "./plan.ts";
import {
  describePostgresPair,
  type PostgresPair,
  type PostgresPart,
  stopLeftoverPair,
} from "./postgres/pair.ts";
import type { Ending } from "./processes/child.ts";
import type { Runtime } from "./processes/runtimes.ts";
import type { ProcessIdentity } from "./processes/identity.ts";
import type { ManagedProcess } from "./processes/managed-process.ts";
import { ServiceProcess } from "./processes/service-process.ts";
import {
  healthListener,
  PROJECT_DIRECTORY,
  serviceCommand,
  serviceEnvironment,
} from "./services.ts";
import { removeStack, type StackFacts, type StackUrls, wiring, writeStack } from "./stack-file.ts";
import { storageError } from "./storage-error.ts";

export type Part = PostgresPart | ServicePart | "kafka";

export interface StackOptions {
  /** All persistent data; for one running stack at a time. */
  readonly dataDirectory: string;
  /** "free" lets several stacks run side by side; "documented" takes those of the README. */
  readonly ports: "free" | "documented";
  /** Passed to the services. A part whose address is given here is not started. */
  readonly environment?: Environment;
  /** Default: the faster runtime of each service. */
  readonly runtimes?: Partial<Record<ServicePart, Runtime>>;
  readonly replicas?: 1 | 2;
  /**
   * Starts Apache Kafka, too, and uses it as the bus; otherwise the environment selects the bus.
   */
  readonly kafka?: boolean | undefined;
  /** Where Apache Kafka is downloaded to; default: `cache` in the data directory. */
  readonly cacheDirectory?: string;
  /** false skips fsync: for tests, whose data need not survive a crash of the machine. */
  readonly durable?: boolean;
  /** Each line that a service writes, unchanged: JSON, except output of a runtime that crashes. */
  readonly onLine?: (part: ServicePart, line: string) => void;
  /** Called when a part ends unexpectedly. */
  readonly onEnd?: (part: Part, ending: Ending) => void;
}

/** The running system; each part is a separate process. */
export interface Stack extends StackFacts {
  readonly parts: readonly Part[];
  /** Stops everything in order and leaves no process, port or lock. */
  close(): Promise<void>;
  /** kill -9. */
  kill(part: Part): Promise<void>;
  /** Freezes a part: its connections stay open and nothing answers. */
  pause(part: Part): void;
  resume(part: Part): void;
  /** Starts a killed part again, on its addresses and data; a running one is stopped first. */
  restart(part: Part): Promise<void>;
}

/** Each part has a grace period of its own, and they stop one after the other. */
export const STACK_STOP_MAX_MS = 70_000;

/** The parts that are stopped together, in this order; PostgreSQL follows. */
const STOP_ORDER = [["cart"], ["loms"], ["notifier", "products"]] as const;

/**
 * Starts the whole system and returns once every part is ready.
 * @throws {Error} if it cannot start; then nothing is left running
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { environment = {} } = options;
  await checkSettings(planStack(environment).services, environment);
  const directory = makeDirectory(options.dataDirectory);
  const opened = new CloseStack(STACK_STOP_MAX_MS);
  try {
    const lock = await takeLauncherLock(directory);
    opened.push("the lock", () => lock.release());
    return await open({ ...options, dataDirectory: directory }, lock, opened);
  } catch (error) {
    await opened.close();
    throw storageError(directory, error);
  }
}

function makeDirectory(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (error) {
    const known = storageError(path, error);
    throw known === error ? new Error(`Cannot create the folder ${path}`, { cause: error }) : known;
  }
}

async function open(given: StackOptions, lock: LauncherLock, opened: CloseStack): Promise<Stack> {
  const { dataDirectory } = given;
  const children: { readonly identity: ProcessIdentity | undefined }[] = [];
  const onSpawn = () => lock.record(children.flatMap(({ identity }) => identity ?? []));
  const kafka = given.kafka ? await startBroker(given, onSpawn) : undefined;
  if (kafka) {
    opened.push("Apache Kafka", () => kafka.close());
    children.push(kafka);
  }
  const environment = { ...given.environment, ...(kafka && { KAFKA_BROKERS: kafka.address }) };
  const options = { ...given, environment };
  const plan = planStack(environment);
  const postgresDirectory = join(dataDirectory, "postgres");
  await stopLeftoverPair(postgresDirectory);
  const servers = postgresParts(plan, options.replicas);
  const addresses = await chooseAddresses(environment, servers, options.ports === "free");
  await checkFree(addresses, plan.services);

  const pair = plan.postgres
    ? await describePostgresPair({
      ...options,
      dataDirectory: postgresDirectory,
      ports: [...addresses.postgres.values()],
      databases: ["loms", "bus", "notifier"],
    })
    : undefined;
  if (pair) opened.push("PostgreSQL", () => pair.close());
  const facts: StackFacts = {
    urls: urlsOf(plan, addresses, environment),
    databases: databasesOf(pair, environment),
    kafkaBrokers: environment.KAFKA_BROKERS || undefined,
    logDirectory: join(dataDirectory, "logs"),
  };
  const services = await createServices(plan, addresses, facts, { ...options, onSpawn });
  children.push(...services.values());
  await startServices(services, pair, opened);
  writeStack(dataDirectory, facts);
  opened.push("the stack's addresses", () => removeStack(dataDirectory));
  return { ...facts, ...controlsOf(pair, kafka, services), close: () => opened.close() };
}

function startBroker(options: StackOptions, onSpawn: () => void): Promise<KafkaBroker> {
  const { environment = {}, onEnd } = options;
  const ended = (ending: Ending) => onEnd?.("kafka", ending);
  return startKafkaPart({ ...options, environment, onSpawn, onEnd: ended });
}

function postgresParts({ postgres }: Plan, replicas: 1 | 2 = 1): PostgresPart[] {
  if (!postgres) return [];
  return replicas === 2 ? ["primary", "standby1", "standby2"] : ["primary", "standby1"];
}

function databasesOf(pair: PostgresPair | undefined, environment: Environment): Databases {
  const given = givenDatabases(environment);
  if (given) return given;
  if (!pair) throw new Error("This stack has no database of its own");
  return {
    loms: pair.primaryUrl("loms"),
    lomsReplicas: pair.replicaUrls("loms"),
    bus: environment.BUS_DATABASE_URL || pair.primaryUrl("bus"),
    notifier: environment.NOTIFIER_DATABASE_URL || pair.primaryUrl("notifier"),
  };
}

async function createServices(
  plan: Plan,
  addresses: Addresses,
  facts: StackFacts,
  options: StackOptions & { readonly onSpawn: () => void },
): Promise<ReadonlyMap<ServicePart, ServiceProcess>> {
  const { environment: given = {}, runtimes = {}, onLine, onEnd, onSpawn } = options;
  const { logDirectory } = facts;
  const wired = wiring(facts);
  mkdirSync(logDirectory, { recursive: true, mode: 0o700 });
  const create = async (part: ServicePart) => {
    const environment = await serviceEnvironment(part, addresses, wired, given);
    return new ServiceProcess({
      name: part,
      command: await serviceCommand(part, runtimes[part], environment),
      directory: PROJECT_DIRECTORY,
      environment,
      readyUrl: `http://${reachable(addresses.listeners[healthListener(part)])}/readyz`,
      logPath: join(logDirectory, `${part}.log`),
      onLine: (line) => onLine?.(part, line),
      onEnd: (ending) => onEnd?.(part, ending),
      onSpawn,
    });
  };
  const created = plan.services.map(async (part) => [part, await create(part)] as const);
  return new Map(await Promise.all(created));
}

/** The services load their modules while PostgreSQL starts, and start once it is ready. */
async function startServices(
  services: ReadonlyMap<ServicePart, ServiceProcess>,
  pair: PostgresPair | undefined,
  opened: CloseStack,
): Promise<void> {
  for (const group of STOP_ORDER.toReversed()) {
    opened.push(group.join(" and "), async () => {
      await Promise.all(group.map(async (part) => await services.get(part)?.stop()));
    });
  }
  const all = [...services.values()];
  // On a failure, wait for the others: the following stop must find every process.
  const postgres = pair?.start() ?? Promise.resolve();
  // initdb takes a whole processor, and the machine may have two.
  const idle = pair?.isNew ? postgres.catch(() => {}) : Promise.resolve();
  const results = await Promise.allSettled([postgres, loadServices(all, idle)]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  await Promise.all(all.map((service) => service.start()));
}

/** Loads the services one by one until `idle` resolves, then the rest concurrently. */
async function loadServices(
  services: readonly ServiceProcess[],
  idle: Promise<void>,
): Promise<void> {
  const loads = new TaskGroup();
  for (const service of services) {
    const load = service.load();
    loads.go(() => load);
    await Promise.race([idle, load.catch(() => {})]);
  }
  await loads.wait();
}

function urlsOf({ services }: Plan, { listeners }: Addresses, given: Environment): StackUrls {
  const products = given.PRODUCT_URL || `http://${reachable(listeners.PRODUCTS_HTTP)}`;
  const ofLoms = (name: "LOMS_HTTP" | "LOMS_ADMIN") =>
    services.includes("loms") ? `http://${reachable(listeners[name])}` : undefined;
  return {
    cart: `http://${reachable(listeners.CART_HTTP)}`,
    loms: ofLoms("LOMS_HTTP"),
    lomsGrpc: given.LOMS_GRPC_URL || reachable(listeners.LOMS_GRPC),
    lomsAdmin: ofLoms("LOMS_ADMIN"),
    notifier: `http://${reachable(listeners.NOTIFIER_HTTP)}`,
    products,
  };
}

function controlsOf(
  pair: PostgresPair | undefined,
  kafka: KafkaBroker | undefined,
  services: ReadonlyMap<ServicePart, ServiceProcess>,
): Pick<Stack, "parts" | "kill" | "pause" | "resume" | "restart"> {
  const controls = new Map<Part, ManagedProcess>();
  for (const part of pair?.parts ?? []) controls.set(part, (pair as PostgresPair).control(part));
  if (kafka) controls.set("kafka", kafka);
  for (const [part, service] of services) controls.set(part, service);
  const control = (part: Part): ManagedProcess => {
    const found = controls.get(part);
    if (!found) throw new Error(`${part} is not part of this stack`);
    return found;
  };
  return {
    parts: [...controls.keys()],
    kill: (part) => control(part).kill(),
    pause: (part) => control(part).pause(),
    resume: (part) => control(part).resume(),
    restart: (part) => control(part).restart(),
  };
}
