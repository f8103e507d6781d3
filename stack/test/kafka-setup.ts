import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { startKafka } from "../kafka/broker.ts";
import { kafkaJars, whyNoKafka } from "../kafka/jars.ts";
import { createSecureListener, type SecureAccess } from "./secure-listener.ts";
import { freePorts } from "../ports.ts";

/** The broker of the run, and what starting another one needs. */
export interface TestKafka {
  /** host:port. */
  readonly address: string;
  /** Its second listener. */
  readonly secure: SecureAccess;
  readonly jars: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Undefined if no broker can run on this machine. */
    kafka: TestKafka | undefined;
  }
}

/** Downloads. */
export const KAFKA_CACHE = fileURLToPath(new URL("../../.data/cache", import.meta.url));

/**
 * One Apache Kafka for the whole run. Without java or mvn the tests are skipped, and the reason is
 * printed, unless KAFKA_TESTS=required.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const reason = whyNoKafka(KAFKA_CACHE);
  if (reason) {
    if (process.env.KAFKA_TESTS === "required") throw new Error(`Cannot test Kafka: ${reason}`);
    process.stdout.write(`The tests against Apache Kafka are skipped: ${reason}\n`);
    project.provide("kafka", undefined);
    return () => Promise.resolve();
  }
  const directory = mkdtempSync(join(tmpdir(), "marketplace-kafka-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const jars = await kafkaJars(KAFKA_CACHE);
    const [port = 0] = await freePorts(1);
    const { access, ...secure } = createSecureListener(directory, port);
    const broker = await startKafka({ jars, directory, ...secure });
    project.provide("kafka", { address: broker.address, secure: access, jars });
    return async () => {
      await broker.close();
      remove();
    };
  } catch (error) {
    remove();
    throw error;
  }
}
