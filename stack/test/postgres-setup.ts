import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { migrate } from "../../shared/postgres/migrate.ts";
import { startPostgresPair } from "../postgres/pair.ts";
import { identify } from "../processes/identity.ts";
import { MIGRATED_TEMPLATES, type TestServers } from "./database.ts";

const DIRECTORY_PREFIX = "marketplace-test-";
/** Where the migrations of a database lie. */
const MIGRATIONS = new URL("../../drizzle/", import.meta.url);

/**
 * One PostgreSQL pair for the whole run, with a migrated database of each kind to clone. Nothing
 * in it outlives the run, also when the run is killed: the servers go with it, and the next run
 * removes the directory.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeAbandoned();
  const directory = mkdtempSync(join(tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`));
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

function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(DIRECTORY_PREFIX)) continue;
    const pid = Number(name.slice(DIRECTORY_PREFIX.length).split("-")[0]);
    if (!identify(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
