import { busSettings, localBusSettings } from "../shared/bus/create-bus.ts";
import { checkKafka } from "../shared/bus/kafka-settings.ts";
import {
  commonSettings,
  type Environment,
  hostPort,
  readConfig,
  withLocalStack,
} from "../shared/config.ts";
import {
  localDatabase,
  postgresUrl,
  preparedStatements,
} from "../shared/postgres/database-setting.ts";
import {
  checkTracing,
  otelEnvironment,
  tracingSettings,
  unusedOtel,
} from "../shared/otlp/otel-settings.ts";

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
  const given = otelEnvironment(withLocalStack(environment, local));
  return {
    ...readConfig(settings, given, (config) => [...checkKafka(config), ...checkTracing(config)]),
    OTEL_UNUSED: unusedOtel(given),
  };
}
