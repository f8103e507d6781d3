import { newDataDirectory, removeDirectory } from "../own-stack.ts";
import { type PostgresPair, startPostgresPair } from "../../stack/postgres/pair.ts";
import type { Settings } from "../../stack/postgres/settings.ts";
import type { Programs } from "./programs.ts";

/** The version in Debian 12. */
const DEBIAN_VERSION = 15;

/** The databases of the services, and of the bus. */
export const SERVICE_DATABASES = ["loms", "bus", "notifier"] as const;

/** The settings that connect the services to a pair with {@link SERVICE_DATABASES}. */
export function databaseSettings(pair: PostgresPair) {
  return {
    DATABASE_URL: pair.primaryUrl("loms"),
    DATABASE_REPLICA_URLS: pair.replicaUrls("loms").join(","),
    BUS_DATABASE_URL: pair.primaryUrl("bus"),
    NOTIFIER_DATABASE_URL: pair.primaryUrl("notifier"),
  };
}

/**
 * Debian's PostgreSQL as a primary with a synchronous standby, unless `settings` change that.
 * Unlike the PostgreSQL from npm it has TLS and JIT, which is on by default.
 */
export async function startDebianPair(
  { initdb, postgres }: Pick<Programs, "initdb" | "postgres">,
  { settings = {}, replicas = 1, databases = [] }: {
    readonly settings?: Settings;
    readonly replicas?: 1 | 2;
    readonly databases?: readonly string[];
  } = {},
): Promise<PostgresPair> {
  const dataDirectory = newDataDirectory();
  const pair = await startPostgresPair({
    ...{
      dataDirectory,
      binaries: { version: DEBIAN_VERSION, initdb, postgres },
      settings,
      replicas,
      databases,
      durable: false,
    },
  });
  return {
    ...pair,
    close: async () => {
      await pair.close();
      removeDirectory(dataDirectory);
    },
  };
}
