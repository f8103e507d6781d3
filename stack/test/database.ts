import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { openAdmin } from "../postgres/admin.ts";

/** URLs of the database "postgres" on the servers that all tests share. */
export interface TestServers {
  readonly primaryUrl: string;
  readonly replicaUrl: string;
}

declare module "vitest" {
  interface ProvidedContext {
    postgres: TestServers;
  }
}

/** Databases that the global setup migrates, by name of their migrations. */
export const MIGRATED_TEMPLATES = ["loms", "notifier"] as const;

/** The initial content of a test's database; "bus" and "empty" have none. */
export type DatabaseTemplate = (typeof MIGRATED_TEMPLATES)[number] | "bus" | "empty";

export interface TestDatabase {
  readonly primaryUrl: string;
  /** The same database on the synchronous standby. */
  readonly replicaUrl: string;
  /** Closes its connections and removes it. */
  drop(): Promise<void>;
}

/** A new database for a test; it is also on the replica once this resolves. */
export async function testDatabase(template: DatabaseTemplate): Promise<TestDatabase> {
  const servers = inject("postgres");
  const name = `${template}_${randomUUID().replaceAll("-", "")}`;
  const source = template === "bus" || template === "empty" ? "template0" : template;
  await withAdmin(servers, (admin) => admin.createDatabase(name, source));
  return {
    primaryUrl: inDatabase(servers.primaryUrl, name),
    replicaUrl: inDatabase(servers.replicaUrl, name),
    drop: () => withAdmin(servers, (admin) => admin.dropDatabase(name)),
  };
}

async function withAdmin(
  servers: TestServers,
  work: (admin: ReturnType<typeof openAdmin>) => Promise<void>,
): Promise<void> {
  const admin = openAdmin(servers.primaryUrl);
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
}
