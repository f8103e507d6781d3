import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { openWriterFixture, type WriterFixture } from "../../loms/repository/writer-fixture.ts";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { migrate } from "../../shared/postgres/migrate.ts";
import {
  type PairOptions,
  type PostgresPair,
  startPostgresPair,
} from "../../stack/postgres/pair.ts";
import type { Part } from "../cpu-time.ts";

const MIGRATIONS = fileURLToPath(new URL("../../drizzle/loms/migrations", import.meta.url));
/** As many as loms has for writes. */
const CONNECTIONS = 10;
/** No order of a bench is cancelled. */
const PAYMENT_TIMEOUT_MS = 86_400_000;
/** More than a bench sells. */
const PLENTY = 10n ** 12n;

export interface LomsDatabase extends WriterFixture {
  readonly url: string;
  readonly replicaUrl: string;
  /** Runs statements that the services do not have. */
  run(text: string): Promise<readonly Record<string, unknown>[]>;
}

export interface Postgres {
  readonly pair: PostgresPair;
  readonly directory: string;
  /** Primary and standby with their connections. */
  readonly parts: readonly Part[];
  /** A database that loms migrates when it starts. */
  database(name: string): LomsDatabase;
  /** A migrated database of loms. */
  loms(name: string): Promise<LomsDatabase>;
}

/** A primary with its synchronous standby, which flush each commit to the disk. */
export async function openPostgres(
  opened: CloseStack,
  options: Omit<PairOptions, "dataDirectory">,
): Promise<Postgres> {
  const directory = mkdtempSync(join(tmpdir(), "marketplace-bench-"));
  opened.push("the data", () => rmSync(directory, { recursive: true, force: true }));
  const pair = await startPostgresPair({ ...options, dataDirectory: directory });
  opened.push("PostgreSQL", () => pair.close());
  const partOf = (name: string, member: string): Part => ({
    name,
    pid: () =>
      Number(readFileSync(join(directory, member, "postmaster.pid"), "utf8").split("\n")[0]),
  });
  const parts = [partOf("PostgreSQL", "primary"), partOf("standby", "standby1")];
  const database = (name: string): LomsDatabase => {
    const url = pair.primaryUrl(name);
    const fixture = openWriterFixture(url, {
      connections: CONNECTIONS,
      paymentTimeoutMs: PAYMENT_TIMEOUT_MS,
    });
    opened.push("the connections", () => fixture.pool.close());
    const run = (text: string) => fixture.pool.db.execute(sql.raw(text));
    return { ...fixture, run, url, replicaUrl: pair.replicaUrls(name)[0] ?? url };
  };
  return {
    ...{ pair, directory, parts, database },
    async loms(name) {
      await migrate({ url: pair.primaryUrl(name), folder: MIGRATIONS });
      return database(name);
    },
  };
}

/** Stock rows of `skus` SKUs from 1, with more than a bench sells. */
export async function fillStock({ run }: LomsDatabase, skus: number): Promise<void> {
  await run(
    `insert into stocks (sku, total_count, reserved) select sku, ${PLENTY}, 0
     from generate_series(1, ${skus}) sku
     on conflict (sku) do update set total_count = excluded.total_count, reserved = 0`,
  );
}
