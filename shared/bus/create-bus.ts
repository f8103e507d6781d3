import { z } from "zod";
import { ConfigError, listOf, postgresUrl } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Bus } from "./bus.ts";
import { createPostgresBus } from "./postgres.ts";

/** What every service on the bus reads: brokers, else the embedded bus in a database of its own. */
export const busSettings = {
  KAFKA_BROKERS: listOf(z.string()).prefault(""),
  BUS_DATABASE_URL: postgresUrl.default("postgres://postgres@127.0.0.1:15432/bus"),
};

export interface BusConfig {
  readonly KAFKA_BROKERS: readonly string[];
  readonly BUS_DATABASE_URL: string;
}

/**
 * The bus that the settings name; it connects when it is first used.
 * @throws {ConfigError} for brokers
 */
export function createBus(config: BusConfig, log: Logger): Bus {
  if (config.KAFKA_BROKERS.length > 0) {
    throw new ConfigError(
      "Wrong settings:\n  KAFKA_BROKERS: Kafka is not supported yet; leave it empty",
    );
  }
  return createPostgresBus({ url: config.BUS_DATABASE_URL, log });
}
