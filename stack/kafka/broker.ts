import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Child, spawnChild } from "../processes/child.ts";
import { freePorts } from "../ports.ts";
import { brokerProperties } from "./properties.ts";

/** Enough for tests and a demonstration; the broker answers the same with half of it. */
const HEAP = "128m";
/** Starting takes 2–4 s; a busy machine gets more. */
const START_MAX_MS = 60_000;
/** A clean stop takes half a second. */
const STOP_MAX_MS = 10_000;
const READY_LINE = "Kafka Server started";
/** How much of a failed broker's output its error repeats. */
const OUTPUT_KEPT_CHARS = 4_000;

export interface KafkaBroker {
  /** host:port, for KAFKA_BROKERS. */
  readonly address: string;
  /** Stops it; its data stay. */
  close(): Promise<void>;
}

/**
 * Starts Apache Kafka on free loopback ports, with its data in an empty directory.
 * @throws {Error} with its last output when it does not start
 */
export async function startKafka(jars: string, directory: string): Promise<KafkaBroker> {
  const [broker = 0, controller = 0] = await freePorts(2);
  mkdirSync(directory, { recursive: true });
  const settings = join(directory, "server.properties");
  writeFileSync(settings, brokerProperties(join(directory, "data"), { broker, controller }));
  const clusterId = randomBytes(16).toString("base64url");
  await format(jars, settings, clusterId);
  const child = await java(jars, [`-Xms${HEAP}`, `-Xmx${HEAP}`], ["kafka.Kafka", settings]);
  await ready(child);
  return { address: `127.0.0.1:${broker}`, close: () => stop(child) };
}

async function format(jars: string, settings: string, clusterId: string): Promise<void> {
  const args = ["format", "--standalone", "-t", clusterId, "-c", settings];
  const child = await java(jars, [], ["kafka.tools.StorageTool", ...args]);
  const output = keepOutput(child);
  const ending = await child.ended;
  if (ending !== "exit code 0") throw failure("format its directory", ending, output());
}

function java(jars: string, flags: readonly string[], args: readonly string[]): Promise<Child> {
  const quiet = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn";
  return spawnChild({
    command: "java",
    args: ["-XX:+UseSerialGC", ...flags, quiet, "-cp", join(jars, "*"), ...args],
    environment: process.env,
    deathSignal: "SIGKILL",
  });
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
