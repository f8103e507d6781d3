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
  /** Primary and standby with their backends. */
  readonly part: Part;
  readonly parts: readonly Part[];
  /** A migrated database of loms. */
  loms(name: string): Promise<LomsDatabase>;
}

/** A primary with its synchronous standby, which force each commit to the disk. */
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
  return {
    ...{ pair, directory, parts },
    part: parts[0] as Part,
    async loms(name) {
      const url = pair.primaryUrl(name);
      await migrate({ url, folder: MIGRATIONS });
      const fixture = openWriterFixture(url, { connections: 10, paymentTimeoutMs: 86_400_000 });
      opened.push("the connections", () => fixture.pool.close());
      const run = (text: string) => fixture.pool.db.execute(sql.raw(text));
      return { ...fixture, run, url, replicaUrl: pair.replicaUrls(name)[0] ?? url };
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
