import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  commonSettings,
  ConfigError,
  type Environment,
  postgresUrl,
  readConfig,
} from "../shared/config.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { createLogger } from "../shared/telemetry/log.ts";

// Brings both databases to the newest migration, and ends: what runs before the services where several
// of each start at once. A service does the same with its own at its start.

/** The setting that says where a database is, by the folder of its migrations. */
const DATABASES = { loms: "DATABASE_URL", notifier: "NOTIFIER_DATABASE_URL" } as const;

const settings = {
  ...commonSettings,
  DATABASE_URL: postgresUrl,
  NOTIFIER_DATABASE_URL: postgresUrl,
};

/** How long the last line may take to reach whoever reads it. */
const FLUSH_MAX_MS = 500;

const config = settingsOrExit(process.env);
const log = createLogger({
  service: "stack",
  level: config.LOG_LEVEL,
  format: config.LOG_FORMAT,
});

for (const [database, setting] of Object.entries(DATABASES)) {
  const folder = fileURLToPath(new URL(`${database}/migrations`, import.meta.url));
  try {
    await migrate({ url: config[setting], folder });
    log.info("the database is up to date", { database });
  } catch (error) {
    log.error("the database cannot be migrated", { database, error });
    await log.flush(FLUSH_MAX_MS);
    process.exit(1);
  }
}

function settingsOrExit(environment: Environment) {
  try {
    return readConfig(settings, environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
