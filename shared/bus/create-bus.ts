import type { z } from "zod";
import type { Environment } from "../config.ts";
import { localDatabase, postgresUrl } from "../postgres/database-setting.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Bus, BusSystem } from "./bus.ts";
import { kafkaSecurity, kafkaSettings, topicSettings } from "./kafka-settings.ts";

/** The bus settings of every service: Kafka brokers, or else the database of the embedded bus. */
export const busSettings = {
  ...kafkaSettings,
  BUS_DATABASE_URL: postgresUrl.default(localDatabase("bus")),
};

export type BusConfig = z.output<z.ZodObject<typeof busSettings>>;

/** The bus settings that a service started alone takes from a running stack. */
export function localBusSettings(environment: Environment): string[] {
  // The stack's brokers would take precedence over a given database.
  return environment.BUS_DATABASE_URL ? [] : ["BUS_DATABASE_URL", "KAFKA_BROKERS"];
}

/** Loads the packages of the selected bus, so that {@link createBus} need not. */
export async function loadBus({ KAFKA_BROKERS: brokers }: BusConfig): Promise<void> {
  await (brokers.length === 0 ? import("./postgres.ts") : import("./kafka.ts"));
}

/**
 * The bus that the settings select; it connects on first use. Loads only the packages of that bus.
 * @throws {ConfigError} if a file named in the settings cannot be read
 */
export async function createBus(config: BusConfig, log: Logger): Promise<Bus> {
  const { KAFKA_BROKERS: brokers, BUS_DATABASE_URL: url } = config;
  if (brokers.length === 0) {
    const { PostgresBus } = await import("./postgres.ts");
    return new PostgresBus({ url, log });
  }
  const [security, topics] = [kafkaSecurity(config), topicSettings(config)];
  const { KafkaBus } = await import("./kafka.ts");
  return new KafkaBus({ brokers, log, security, topics });
}

/** The bus's name in metrics and spans. */
export function busSystem({ KAFKA_BROKERS: brokers }: BusConfig): BusSystem {
  return brokers.length > 0 ? "kafka" : "pg-boss";
}
