import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  commonSettings,
  ConfigError,
  type Environment,
  readConfig,
  type SettingProblem,
} from "../shared/config.ts";
import { postgresUrl } from "../shared/postgres/database-setting.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { createLogger } from "../shared/telemetry/log.ts";

// Migrates the named databases, or both, and exits. A service migrates its own at its start.

const settings = {
  ...commonSettings,
  DATABASE_URL: postgresUrl.optional(),
  MIGRATION_DATABASE_URL: postgresUrl.optional(),
  NOTIFIER_DATABASE_URL: postgresUrl.optional(),
  NOTIFIER_MIGRATION_DATABASE_URL: postgresUrl.optional(),
};

/** The settings for a database's URL, by the folder of its migrations; the first set one counts. */
const DATABASES = {
  loms: ["MIGRATION_DATABASE_URL", "DATABASE_URL"],
  notifier: ["NOTIFIER_MIGRATION_DATABASE_URL", "NOTIFIER_DATABASE_URL"],
} as const;
type Name = keyof typeof DATABASES;

/** How long the last log line may take to be written. */
const FLUSH_MAX_MS = 500;

const names = namesOrExit(process.argv.slice(2));
const config = settingsOrExit(process.env);
const log = createLogger({ service: "stack", level: config.LOG_LEVEL, format: config.LOG_FORMAT });

for (const database of names) {
  const setting = DATABASES[database].find((name) => config[name]) ?? DATABASES[database][1];
  const folder = fileURLToPath(new URL(`${database}/migrations`, import.meta.url));
  try {
    await migrate({ url: config[setting] ?? "", folder });
    log.info("the database is up to date", { database });
  } catch (error) {
    await log.flush(FLUSH_MAX_MS);
    process.stderr.write(`${setting}: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

function namesOrExit(given: readonly string[]): readonly Name[] {
  const known = Object.keys(DATABASES) as Name[];
  const found = known.filter((name) => given.length === 0 || given.includes(name));
  if (given.every((name) => known.includes(name as Name))) return found;
  process.stderr.write(`Usage: node drizzle/main.ts [${known.join("|")}]…\n`);
  process.exit(1);
}

function settingsOrExit(environment: Environment) {
  try {
    return readConfig(
      settings,
      environment,
      (given) =>
        names.filter((name) => !DATABASES[name].some((setting) => given[setting]))
          .map((name): SettingProblem => ({ name: DATABASES[name][1], message: "is not set" })),
    );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
