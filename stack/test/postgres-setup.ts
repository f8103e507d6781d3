import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { migrate } from "../../shared/postgres/migrate.ts";
import { startPostgresPair } from "../postgres/pair.ts";
import { MIGRATED_TEMPLATES, type TestServers } from "./database.ts";
import { newRunDirectory } from "./run-directory.ts";

const DIRECTORY_PREFIX = "marketplace-test-";
/** The folder of migrations by database. */
const MIGRATIONS = new URL("../../drizzle/", import.meta.url);

/**
 * One PostgreSQL pair for the whole run, with a migrated database of each kind to clone. Nothing
 * outlives the run, even if it is killed: the servers end with it, and the next run removes the
 * directory.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = newRunDirectory(DIRECTORY_PREFIX);
  const pair = await startPostgresPair({
    dataDirectory: directory,
    databases: MIGRATED_TEMPLATES,
    durable: false,
  });
  for (const name of MIGRATED_TEMPLATES) {
    const folder = fileURLToPath(new URL(`${name}/migrations`, MIGRATIONS));
    if (existsSync(folder)) await migrate({ url: pair.primaryUrl(name), folder });
  }
  const servers: TestServers = {
    primaryUrl: pair.primaryUrl("postgres"),
    replicaUrl: pair.replicaUrls("postgres")[0] as string,
  };
  project.provide("postgres", servers);
  return async () => {
    await pair.close();
    rmSync(directory, { recursive: true, force: true });
  };
}
