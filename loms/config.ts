import { z } from "zod";
import { busSettings, localBusSettings } from "../shared/bus/create-bus.ts";
import { checkKafka } from "../shared/bus/kafka-settings.ts";
import {
  commonSettings,
  duration,
  type Environment,
  formatHostPort,
  hostPort,
  httpOrigin,
  isLoopback,
  listOf,
} from "../shared/config.ts";
import { BEARER_TOKEN } from "../shared/http/bearer.ts";
import {
  localDatabase,
  postgresUrl,
  postgresUrls,
  preparedStatements,
} from "../shared/postgres/database-setting.ts";
import { readServiceConfig, tracingSettings } from "../shared/otlp/otel-settings.ts";

/** The database of the local stack; its replica is the default only beside it. */
const LOCAL_DATABASE = localDatabase("loms");
const LOCAL_REPLICA = localDatabase("loms", "standby1");

/** The value is secret, so the message does not repeat it. */
const bearerToken = z.string().regex(BEARER_TOKEN, {
  error: "is not a bearer token: letters, digits and -._~+/ are allowed",
});

const settings = {
  ...commonSettings,
  ...tracingSettings,
  LOMS_HTTP: hostPort.prefault("127.0.0.1:8084"),
  LOMS_GRPC: hostPort.prefault("127.0.0.1:50051"),
  LOMS_ADMIN: hostPort.prefault("127.0.0.1:8094"),
  LOMS_ADMIN_TOKEN: bearerToken.optional(),
  LOMS_PROFILE: hostPort.prefault("127.0.0.1:9084"),
  DATABASE_URL: postgresUrl.default(LOCAL_DATABASE),
  DATABASE_REPLICA_URLS: postgresUrls.optional(),
  DATABASE_PREPARED_STATEMENTS: preparedStatements,
  MIGRATION_DATABASE_URL: postgresUrl.optional(),
  ...busSettings,
  CART_ORIGINS: listOf(httpOrigin).prefault("http://localhost:8082,http://127.0.0.1:8082"),
  ORDER_PAYMENT_TIMEOUT: duration.prefault("10m"),
  SYNC_REPLICA_POLICY: z.enum(["strict", "degrade", "managed"]).default("strict"),
  SYNC_REPLICA_DEGRADE_AFTER: duration.prefault("10s"),
};

type Settings = z.output<z.ZodObject<typeof settings>>;

const check = (config: Settings) => [
  ...checkAdmin(config),
  ...checkReplicas(config),
  ...checkKafka(config),
];

/** Without replicas loms cannot determine whether commits wait for a standby. */
function checkReplicas({ DATABASE_REPLICA_URLS: urls, SYNC_REPLICA_POLICY: policy }: Settings) {
  if (policy !== "managed" || (urls ?? []).length > 0) return [];
  const message = "must list the members when SYNC_REPLICA_POLICY is managed";
  return [{ name: "DATABASE_REPLICA_URLS", message }];
}

/** A caller that reaches the listener can change the stock. */
function checkAdmin({ LOMS_ADMIN: address, LOMS_ADMIN_TOKEN: token }: Settings) {
  if (token !== undefined || isLoopback(address)) return [];
  const message = `must be set when LOMS_ADMIN is ${formatHostPort(address)}, beyond loopback`;
  return [{ name: "LOMS_ADMIN_TOKEN", message }];
}

/** The names of all variables. */
export const LOMS_SETTINGS: readonly string[] = Object.keys(settings);

export type LomsConfig = ReturnType<typeof lomsConfig>;

/**
 * Without replicas, reads go to the primary; without brokers, events go over the bus in
 * BUS_DATABASE_URL.
 * @throws {ConfigError} naming every invalid setting
 */
export function lomsConfig(environment: Environment) {
  // A replica belongs to its primary, so the defaults of the local stack apply only together.
  const own = environment.DATABASE_URL ? [] : ["DATABASE_URL", "DATABASE_REPLICA_URLS"];
  const local = [...own, ...localBusSettings(environment), "CART_ORIGINS"];
  const config = readServiceConfig(settings, environment, { local, check });
  const replicas = config.DATABASE_URL === LOCAL_DATABASE ? [LOCAL_REPLICA] : [];
  return {
    ...config,
    DATABASE_REPLICA_URLS: config.DATABASE_REPLICA_URLS ?? replicas,
    /** Whether an operator chose the address of the admin listener. */
    ADMIN_CHOSEN: Boolean(environment["LOMS_ADMIN"]),
  };
}
