import { busSettings, localBusSettings } from "../shared/bus/create-bus.ts";
import { checkKafka } from "../shared/bus/kafka-settings.ts";
import { commonSettings, type Environment, hostPort } from "../shared/config.ts";
import {
  localDatabase,
  postgresUrl,
  preparedStatements,
} from "../shared/postgres/database-setting.ts";
import { readServiceConfig, tracingSettings } from "../shared/otlp/otel-settings.ts";

const settings = {
  ...commonSettings,
  ...tracingSettings,
  ...busSettings,
  NOTIFIER_HTTP: hostPort.prefault("127.0.0.1:8086"),
  NOTIFIER_PROFILE: hostPort.prefault("127.0.0.1:9086"),
  NOTIFIER_DATABASE_URL: postgresUrl.default(localDatabase("notifier")),
  NOTIFIER_DATABASE_PREPARED_STATEMENTS: preparedStatements,
  NOTIFIER_MIGRATION_DATABASE_URL: postgresUrl.optional(),
};

/** The names of all variables. */
export const NOTIFIER_SETTINGS: readonly string[] = Object.keys(settings);

export type NotifierConfig = ReturnType<typeof notifierConfig>;

/** @throws {ConfigError} naming every invalid setting */
export function notifierConfig(environment: Environment) {
  const local = [...localBusSettings(environment), "NOTIFIER_DATABASE_URL"];
  return readServiceConfig(settings, environment, { local, check: checkKafka });
}
