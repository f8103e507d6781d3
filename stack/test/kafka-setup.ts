import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { startKafka } from "../kafka/broker.ts";
import { kafkaJars, whyNoKafka } from "../kafka/jars.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** host:port of a broker; empty when none can run here. */
    kafka: string;
  }
}

const CACHE = fileURLToPath(new URL("../../.data/cache", import.meta.url));

/**
 * One Apache Kafka for the whole run. Without java or mvn the tests are skipped, and the reason is
 * printed, unless KAFKA_TESTS=required.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const reason = whyNoKafka(CACHE);
  if (reason) {
    if (process.env.KAFKA_TESTS === "required") throw new Error(`Cannot test Kafka: ${reason}`);
    process.stdout.write(`The tests against Apache Kafka are skipped: ${reason}\n`);
    project.provide("kafka", "");
    return () => Promise.resolve();
  }
  const directory = mkdtempSync(join(tmpdir(), "marketplace-kafka-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const broker = await startKafka(await kafkaJars(CACHE), directory);
    project.provide("kafka", broker.address);
    return async () => {
      await broker.close();
      remove();
    };
  } catch (error) {
    remove();
    throw error;
  }
}
