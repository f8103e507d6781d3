import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Child, type Ending, spawnChild } from "../processes/child.ts";
import { type ProcessIdentity, sendSignal } from "../processes/identity.ts";
import { freePorts } from "../ports.ts";
import { type BrokerPorts, brokerProperties, type Properties } from "./properties.ts";
import { type SecureListener, secureProperties } from "./secure-listener.ts";

/** Enough for tests and a demonstration; the broker answers the same with half of it. */
const HEAP = "128m";
/** Starting takes 2–4 s, after kill -9 some more; a busy machine gets more still. */
const START_MAX_MS = 60_000;
/** A clean stop takes half a second. */
const STOP_MAX_MS = 10_000;
const READY_LINE = "Kafka Server started";
/** How much of a failed broker's output its error repeats. */
const OUTPUT_KEPT_CHARS = 4_000;
/** The id of the cluster; written first, so that a format that was cut short is done again. */
const CLUSTER_FILE = "cluster-id";
const FORMATTED_FILE = "formatted";

export interface KafkaOptions {
  readonly jars: string;
  /** Holds everything; made when it is not there. For one broker at a time. */
  readonly directory: string;
  /** Free ones without it. */
  readonly ports?: BrokerPorts;
  /** A second listener, on TLS and with SASL. */
  readonly secure?: SecureListener;
  /** Called when the broker ends unexpectedly. */
  readonly onEnd?: (ending: Ending) => void;
  /** Called whenever it has a new process. */
  readonly onSpawn?: () => void;
}

/** Apache Kafka as one broker on loopback ports (KRaft), a process of its own. */
export class KafkaBroker {
  /** host:port, for KAFKA_BROKERS. */
  readonly address: string;
  readonly #options: KafkaOptions;
  readonly #settings: string;
  #child: Child | undefined;
  #expectedToEnd = true;

  /** Use {@link startKafka}. */
  constructor(options: KafkaOptions, ports: BrokerPorts) {
    const { directory, secure } = options;
    this.#options = options;
    this.address = `127.0.0.1:${ports.broker}`;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#settings = join(directory, "server.properties");
    const properties = brokerProperties(join(directory, "data"), ports);
    const text = secure ? secureProperties(properties, secure) : properties;
    // It may hold the password of a key.
    writeFileSync(this.#settings, render(text), { mode: 0o600 });
  }

  get identity(): ProcessIdentity | undefined {
    return this.#child?.identity;
  }

  /** @throws {Error} with its last output when it does not start */
  async start(): Promise<void> {
    await this.#format();
    const child = await this.#java([`-Xms${HEAP}`, `-Xmx${HEAP}`], [
      "kafka.Kafka",
      this.#settings,
    ]);
    this.#child = child;
    this.#options.onSpawn?.();
    await ready(child);
    this.#expectedToEnd = false;
    void child.ended.then((ending) => {
      if (!this.#expectedToEnd) this.#options.onEnd?.(ending);
    });
  }

  /** Stops it; its data stay. */
  async close(): Promise<void> {
    this.#expectedToEnd = true;
    this.resume();
    if (this.#child) await stop(this.#child);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#expectedToEnd = true;
    if (!child || child.ending() !== undefined) return;
    sendSignal(child.pid, "SIGKILL");
    await child.ended;
  }

  /** Freezes it: its connections stay open and nothing answers. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  resume(): void {
    this.#signal("SIGCONT");
  }

  /** Starts it again on its ports and data; a running one is stopped first. */
  async restart(): Promise<void> {
    await this.close();
    await this.start();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child && this.#child.ending() === undefined) sendSignal(this.#child.pid, signal);
  }

  /** Once in the life of its directory. */
  async #format(): Promise<void> {
    const { directory, secure } = this.#options;
    const formatted = join(directory, FORMATTED_FILE);
    if (existsSync(formatted)) return;
    const clusterFile = join(directory, CLUSTER_FILE);
    if (!existsSync(clusterFile)) {
      writeFileSync(clusterFile, randomBytes(16).toString("base64url"));
    }
    const clusterId = readFileSync(clusterFile, "utf8");
    const users = secure ? ["--add-scram", secure.scramUser] : [];
    const args = ["format", "--standalone", "--ignore-formatted", ...users];
    const child = await this.#java([], [
      "kafka.tools.StorageTool",
      ...args,
      // "=": an id may begin with a hyphen.
      `--cluster-id=${clusterId}`,
      "-c",
      this.#settings,
    ]);
    const output = keepOutput(child);
    const ending = await child.ended;
    if (ending !== "exit code 0") throw failure("format its directory", ending, output());
    writeFileSync(formatted, "");
  }

  #java(flags: readonly string[], args: readonly string[]): Promise<Child> {
    const quiet = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn";
    return spawnChild({
      command: "java",
      args: [
        "-XX:+UseSerialGC",
        ...flags,
        quiet,
        "-cp",
        join(this.#options.jars, "*"),
        ...args,
      ],
      environment: process.env,
      deathSignal: "SIGKILL",
    });
  }
}

/**
 * Starts Apache Kafka on the data of its directory, in a new cluster where there are none.
 * @throws {Error} with its last output when it does not start
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const [broker = 0, controller = 0] = options.ports ? [] : await freePorts(2);
  const kafka = new KafkaBroker(options, options.ports ?? { broker, controller });
  await kafka.start();
  return kafka;
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

async function ready(child: Child): Promise<void> {
  const output = keepOutput(child);
  const started = new Promise<"ready">((resolve) => {
    // Its listener after the one that keeps, so that the line is there.
    const look = () => output().includes(READY_LINE) && resolve("ready");
    child.process.stdout?.on("data", look);
    child.process.stderr?.on("data", look);
  });
  const outcome = await Promise.race([started, child.ended, after(START_MAX_MS, "silence")]);
  if (outcome === "ready") return;
  await stop(child);
  throw failure("start", outcome, output());
}

async function stop(child: Child): Promise<void> {
  if (child.ending() !== undefined) return;
  child.process.kill("SIGTERM");
  if (await Promise.race([child.ended, after(STOP_MAX_MS, "late")]) !== "late") return;
  child.process.kill("SIGKILL");
  await child.ended;
}

function after<Outcome extends string>(delayMs: number, outcome: Outcome): Promise<Outcome> {
  return new Promise((resolve) => setTimeout(() => resolve(outcome), delayMs).unref());
}

function failure(what: string, ending: string, output: string): Error {
  return new Error(`Apache Kafka did not ${what} (${ending}):\n${output}`);
}
