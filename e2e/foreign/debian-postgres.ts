import { newDataDirectory, removeDirectory } from "../own-stack.ts";
import { type PostgresPair, startPostgresPair } from "../../stack/postgres/pair.ts";
import type { Settings } from "../../stack/postgres/settings.ts";
import type { Programs } from "./programs.ts";

/** Debian 12's. */
const DEBIAN_VERSION = 15;

/**
 * Debian's PostgreSQL as a primary with a synchronous standby, which `settings` can make anything
 * else. Unlike the one from npm it has JIT, on by default, and TLS.
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
