import { z } from "zod";
import { listOf, postgresUrl } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Bus } from "./bus.ts";
import { createKafkaBus } from "./kafka.ts";
import { createPostgresBus } from "./postgres.ts";

const brokerAddress = z.string().regex(/^[^\s:/]+:[0-9]{1,5}$/, {
  error: "is not an address such as 127.0.0.1:9092",
});

/** What every service on the bus reads: brokers, else the embedded bus in a database of its own. */
export const busSettings = {
  KAFKA_BROKERS: listOf(brokerAddress).prefault(""),
  BUS_DATABASE_URL: postgresUrl.default("postgres://postgres@127.0.0.1:15432/bus"),
};

export interface BusConfig {
  readonly KAFKA_BROKERS: readonly string[];
  readonly BUS_DATABASE_URL: string;
}

/** The bus that the settings name; it connects when it is first used. */
export function createBus(config: BusConfig, log: Logger): Bus {
  const { KAFKA_BROKERS: brokers, BUS_DATABASE_URL: url } = config;
  return brokers.length > 0 ? createKafkaBus({ brokers, log }) : createPostgresBus({ url, log });
}
