import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Child, type ChildOptions, type Ending, spawnChild } from "../processes/child.ts";
import { ManagedProcess } from "../processes/managed-process.ts";
import { freePorts } from "../ports.ts";

/** Enough for tests and demonstrations; half of it would suffice. */
const HEAP = "128m";
/** A start takes 2–4 s, longer after kill -9 or on a busy machine. */
const START_MAX_MS = 60_000;
/** A clean stop takes half a second. */
const STOPPING = { signals: ["SIGTERM", "SIGKILL"], timeoutMs: 10_000 } as const;
const READY_LINE = "Kafka Server started";
/** How much of a failed broker's output is in its error. */
const OUTPUT_KEPT_CHARS = 4_000;
/** The id of the cluster; written first, so that an interrupted format is repeated. */
const CLUSTER_FILE = "cluster-id";
const FORMATTED_FILE = "formatted";

export interface BrokerPorts {
  readonly broker: number;
  readonly controller: number;
}

export type Properties = Readonly<Record<string, string | number | boolean>>;

export interface KafkaOptions {
  readonly jars: string;
  /** Holds all data; created if missing. Used by one broker at a time. */
  readonly directory: string;
  /** Default: free ports. */
  readonly ports?: BrokerPorts;
  /** Returns the properties to use instead of ours. */
  readonly customize?: (own: Properties) => Properties;
  /** The id of a cluster of several brokers; default: a new id, and this broker alone. */
  readonly clusterId?: string;
  /** Options of the tool that formats the directory. */
  readonly formatArgs?: readonly string[];
  /** Called when the broker ends unexpectedly. */
  readonly onEnd?: (ending: Ending) => void;
  /** Called for each new process. */
  readonly onSpawn?: () => void;
}

/** Apache Kafka as one broker on loopback ports (KRaft), in a separate process. */
export class KafkaBroker extends ManagedProcess {
  /** host:port, for KAFKA_BROKERS. */
  readonly address: string;
  readonly #options: KafkaOptions;
  readonly #settings: string;

  /** Use {@link startKafka}. */
  constructor(options: KafkaOptions, ports: BrokerPorts) {
    const { directory, customize = (own) => own } = options;
    super(STOPPING, (ending) => options.onEnd?.(ending));
    this.#options = options;
    this.address = `127.0.0.1:${ports.broker}`;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#settings = join(directory, "server.properties");
    const properties = brokerProperties(join(directory, "data"), ports);
    // They may contain the password of a key.
    writeFileSync(this.#settings, render(customize(properties)), { mode: 0o600 });
  }

  /** @throws {Error} with its last output if it does not start */
  override async start(): Promise<void> {
    await this.#format();
    const flags = [`-Xms${HEAP}`, `-Xmx${HEAP}`];
    const child = await this.spawn(this.#java(flags, ["kafka.Kafka", this.#settings]));
    this.#options.onSpawn?.();
    const output = keepOutput(child);
    const started = new Promise<"ready">((resolve) => {
      // Added after the listener that keeps the output, so that the line is available.
      const look = () => output().includes(READY_LINE) && resolve("ready");
      child.process.stdout?.on("data", look);
      child.process.stderr?.on("data", look);
    });
    const silence = new Promise<"silence">((resolve) => {
      setTimeout(() => resolve("silence"), START_MAX_MS).unref();
    });
    const outcome = await Promise.race([started, child.ended, silence]);
    if (outcome === "ready") return this.watch(child);
    await this.stop();
    throw failure("start", outcome, output());
  }

  /** Stops the broker; its data stays. */
  close(): Promise<void> {
    return this.stop();
  }

  /** Once per directory. */
  async #format(): Promise<void> {
    const { directory, clusterId: given, formatArgs = [] } = this.#options;
    const formatted = join(directory, FORMATTED_FILE);
    if (existsSync(formatted)) return;
    const clusterFile = join(directory, CLUSTER_FILE);
    if (!existsSync(clusterFile)) {
      writeFileSync(clusterFile, given ?? newClusterId());
    }
    const clusterId = readFileSync(clusterFile, "utf8");
    const args = ["format", "--ignore-formatted", ...formatArgs];
    if (given === undefined) args.push("--standalone");
    // "=": an id may begin with a hyphen.
    args.push(`--cluster-id=${clusterId}`, "-c", this.#settings);
    const child = await spawnChild(this.#java([], ["kafka.tools.StorageTool", ...args]));
    const output = keepOutput(child);
    const ending = await child.ended;
    if (ending !== "exit code 0") throw failure("format its directory", ending, output());
    writeFileSync(formatted, "");
  }

  #java(flags: readonly string[], args: readonly string[]): ChildOptions {
    const quiet = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn";
    const path = ["-cp", join(this.#options.jars, "*")];
    return {
      command: "java",
      args: ["-XX:+UseSerialGC", ...flags, quiet, ...path, ...args],
      environment: process.env,
      deathSignal: "SIGKILL",
    };
  }
}

export function newClusterId(): string {
  return randomBytes(16).toString("base64url");
}

/**
 * Starts Apache Kafka on the data of its directory, or on a new cluster.
 * @throws {Error} with its last output if it does not start
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const [broker = 0, controller = 0] = options.ports ? [] : await freePorts(2);
  const kafka = new KafkaBroker(options, options.ports ?? { broker, controller });
  await kafka.start();
  return kafka;
}

/** The properties of a single broker on loopback (KRaft). */
function brokerProperties(dataDirectory: string, ports: BrokerPorts): Properties {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "listeners": `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${ports.broker}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.quorum.bootstrap.servers": `127.0.0.1:${ports.controller}`,
    "log.dirs": dataDirectory,
    "auto.create.topics.enable": false,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    // No wait of 3 s for more members at a group's first join.
    "group.initial.rebalance.delay.ms": 0,
    // Tests kill members and wait for the group to notice.
    "group.min.session.timeout.ms": 1000,
    // After kill -9 the broker is refused until its old session ends; the default takes 9 s.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    // The default takes half of the small heap.
    "log.cleaner.dedupe.buffer.size": 8_388_608,
  };
}

function render(properties: Properties): string {
  return Object.entries(properties).map(([name, value]) => `${name}=${value}\n`).join("");
}

function keepOutput({ process: { stdout, stderr } }: Child): () => string {
  let kept = "";
  const keep = (chunk: Buffer) => {
    kept = (kept + chunk.toString()).slice(-OUTPUT_KEPT_CHARS);
  };
  stdout?.on("data", keep);
  stderr?.on("data", keep);
  return () => kept;
}

function failure(what: string, ending: string, output: string): Error {
  return new Error(`Apache Kafka did not ${what} (${ending}):\n${output}`);
}
