import { join } from "node:path";
import { CloseStack } from "../../shared/lifecycle.ts";
import type { KafkaBroker } from "../../stack/kafka/broker.ts";
import { kafkaJars } from "../../stack/kafka/jars.ts";
import { KAFKA_CACHE } from "../../stack/test/kafka-setup.ts";
import { type Beside, startBeside } from "../beside.ts";
import { eventually } from "../eventually.ts";
import { type KafkaCluster, startKafkaCluster } from "../machines/kafka-cluster.ts";
import { type PairOfServices, startPairOfServices } from "../machines/pair-of-services.ts";
import { type PatroniCluster, startPatroniCluster } from "../machines/patroni-cluster.ts";
import { PROGRAMS } from "../machines/programs.ts";
import { type SentinelGroup, startSentinelGroup } from "../machines/store-groups.ts";
import { requirePrograms } from "../programs.ts";
import type { OneMachineOptions } from "./one-machine.ts";
import type { CrashTestSystem } from "./system.ts";

const CLOSE_MAX_MS = 120_000;
/** Above the 30 s within which a first write succeeds. */
const FAILOVER_MAX_MS = 60_000;
const PAIRS = ["cart", "loms", "notifier"].flatMap((part) => [`${part} 1`, `${part} 2`]);

/** Kills a victim; the returned function restarts it. */
type Kill = () => Promise<() => Promise<void>>;

/**
 * PostgreSQL under Patroni, three Kafka brokers, carts in Valkey with sentinels, and two of each
 * service behind HAProxy. If a program is missing, the start fails with its name.
 */
export function createSeveralMachines(options: OneMachineOptions): CrashTestSystem {
  const opened = new CloseStack(CLOSE_MAX_MS);
  const back = new Map<string, () => Promise<void>>();
  let running: Running | undefined;
  const system = () => {
    if (!running) throw new Error("The system was not started");
    return running;
  };
  return {
    victims: [...PAIRS, "broker", "primary", "synchronous standby", "store"],
    get addresses() {
      const { proxy } = system().services;
      const { cart, loms, lomsGrpc, lomsAdmin } = proxy;
      return { cart, loms, lomsGrpc, lomsAdmin, products: system().products.url };
    },
    async start() {
      running = await open(options, opened);
    },
    async kill(victim) {
      const kill = system().kills.get(victim) as Kill;
      back.set(victim, await kill());
    },
    restart: (victim) => (back.get(victim) as () => Promise<void>)(),
    // A failover of the store may lose its last changes, and those that the former primary accepts
    // before it is demoted.
    takesCarts: (victim) => victim === "store" ? "until whole" : undefined,
    takesLimit: (victim) => victim === "store",
    async subject() {
      const { cluster, products, notifierLogs } = system();
      await cluster.whole();
      return {
        primaryUrl: cluster.primaryUrl("loms"),
        replicaUrls: await cluster.standbyUrls("loms"),
        notifierLogs,
        failedOver: true,
        productsUrl: products.url,
      };
    },
    close: () => opened.close(),
  };
}

interface Running {
  readonly cluster: PatroniCluster;
  readonly services: PairOfServices;
  readonly products: Beside;
  readonly notifierLogs: readonly string[];
  readonly kills: ReadonlyMap<string, Kill>;
}

async function open(options: OneMachineOptions, opened: CloseStack): Promise<Running> {
  const { dataDirectory, paymentTimeoutMs, onEnd } = options;
  const found = requirePrograms([...PROGRAMS, "valkey-server"]);
  const programs = { ...found, kafkaJars: await kafkaJars(KAFKA_CACHE) };
  const cluster = await startPatroniCluster(programs, ["loms", "notifier"]);
  opened.push("PostgreSQL", () => cluster.close());
  const kafka = await startKafkaCluster({
    jars: programs.kafkaJars,
    directory: join(dataDirectory, "kafka"),
  });
  opened.push("Kafka", () => kafka.close());
  const store = await startSentinelGroup({
    program: programs["valkey-server"],
    directory: join(dataDirectory, "store"),
  });
  opened.push("the store", () => store.close());
  const databases = {
    loms: cluster.primaryUrl("loms"),
    lomsReplicas: cluster.memberUrls("loms"),
    bus: "",
    notifier: cluster.primaryUrl("notifier"),
  };
  const urls = { cart: "", loms: "", lomsGrpc: "", lomsAdmin: "", notifier: "", products: "" };
  const products = await startBeside("products", { databases, urls });
  opened.push("products", () => products.close());
  const services = await startPairOfServices(
    programs.haproxy,
    { databases, urls: { ...urls, products: products.url } },
    {
      SYNC_REPLICA_POLICY: "managed",
      KAFKA_BROKERS: kafka.address,
      CART_STORE_URL: store.url,
      ORDER_PAYMENT_TIMEOUT: `${paymentTimeoutMs}ms`,
    },
    { logDirectory: dataDirectory, onEnd },
  );
  opened.push("the services", () => services.close());
  const kills = new Map<string, Kill>([
    ...services.processes.map((process): [string, Kill] => [process.name, async () => {
      await process.kill();
      return () => process.start();
    }]),
    ["broker", killOneOf(kafka)],
    ["primary", () => killMember(cluster, "leader")],
    ["synchronous standby", () => killMember(cluster, "sync_standby")],
    ["store", () => killStore(store)],
  ]);
  const notifierLogs = [1, 2].map((number) => join(dataDirectory, `notifier ${number}.log`));
  return { cluster, services, products, notifierLogs, kills };
}

/** Another broker each time. */
function killOneOf({ brokers }: KafkaCluster): Kill {
  let kills = 0;
  return async () => {
    const broker = brokers[kills++ % brokers.length] as KafkaBroker;
    await broker.kill();
    return () => broker.start();
  };
}

/** Restarts it when another one has its role. */
async function killMember(cluster: PatroniCluster, role: "leader" | "sync_standby") {
  const member = await cluster.withRole(role);
  await member.kill();
  return async () => {
    await eventually(async () => {
      if (await cluster.withRole(role) === member) throw new Error(`${member.name} is ${role}`);
    }, FAILOVER_MAX_MS);
    await member.restart();
    await cluster.whole();
  };
}

async function killStore(store: SentinelGroup) {
  const { primary } = await store.roles();
  await primary.kill();
  return async () => {
    await eventually(async () => {
      if ((await store.roles()).primary === primary) throw new Error("no failover yet");
    });
    await primary.restart();
    await store.replicates();
  };
}
