import type { Environment } from "../config.ts";
import { postgresUrl } from "../postgres/database-setting.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Bus } from "./bus.ts";
import type { BusSystem } from "./bus.ts";
import { type KafkaConfig, kafkaSecurity, kafkaSettings, topicSettings } from "./kafka-settings.ts";

/** What every service on the bus reads: brokers, else the embedded bus in a database of its own. */
export const busSettings = {
  ...kafkaSettings,
  BUS_DATABASE_URL: postgresUrl.default("postgres://postgres@127.0.0.1:15432/bus"),
};

export interface BusConfig extends KafkaConfig {
  readonly BUS_DATABASE_URL: string;
}

/** Which settings of the bus a service that is started alone takes from the stack beside it. */
export function localBusSettings(environment: Environment): string[] {
  // The stack's brokers would win over a database that was given.
  return environment.BUS_DATABASE_URL ? [] : ["BUS_DATABASE_URL", "KAFKA_BROKERS"];
}

/**
 * The bus that the settings name; it connects when it is first used. Only the packages of that bus
 * are loaded.
 * @throws {ConfigError} when a file that the settings name cannot be read
 */
export async function createBus(config: BusConfig, log: Logger): Promise<Bus> {
  const { KAFKA_BROKERS: brokers, BUS_DATABASE_URL: url } = config;
  if (brokers.length === 0) {
    const { createPostgresBus } = await import("./postgres.ts");
    return createPostgresBus({ url, log });
  }
  const [security, topics] = [kafkaSecurity(config), topicSettings(config)];
  const { createKafkaBus } = await import("./kafka.ts");
  return createKafkaBus({ brokers, log, security, topics });
}

/** What carries the messages, as metrics and spans name it. */
export function busSystem({ KAFKA_BROKERS: brokers }: BusConfig): BusSystem {
  return brokers.length > 0 ? "kafka" : "pg-boss";
}
