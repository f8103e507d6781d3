import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openWriterFixture, testContext } from "../../loms/repository/writer-fixture.ts";
import { outboxBacklog } from "../../loms/outbox/backlog.ts";
import { ORDER_OUTBOX } from "../../loms/outbox/order-outbox.ts";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { createGrpcClient } from "../../shared/grpc/client.ts";
import { CloseStack } from "../../shared/lifecycle.ts";
import { migrate } from "../../shared/postgres/migrate.ts";
import { freePorts } from "../../stack/ports.ts";
import { startPostgresPair } from "../../stack/postgres/pair.ts";
import type { Bench } from "./bench.ts";

const MIGRATIONS = fileURLToPath(new URL("../../drizzle/loms/migrations", import.meta.url));
/** Enough that concurrent orders rarely share one. */
const SKUS = 64;
const STOCK = 2 ** 40;
const SETTLED_POLL_MS = 20;

/** loms with a synchronous replica: OrderCreate over gRPC, and the relay of its events. */
export async function benchLoms(opened: CloseStack): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), "marketplace-bench-"));
  opened.push("the directory", () => rm(directory, { recursive: true, force: true }));
  const pair = await startPostgresPair({
    dataDirectory: directory,
    databases: ["loms", "bus"],
    durable: false,
  });
  opened.push("PostgreSQL", () => pair.close());
  const database = pair.primaryUrl("loms");
  await migrate({ url: database, folder: MIGRATIONS });
  const { pool, addStock } = openWriterFixture(database);
  opened.push("the connections", () => pool.close());
  const skus: number[] = [];
  while (skus.length < SKUS) skus.push(await addStock(STOCK));

  let number = 0;
  return {
    part: "loms",
    async settings() {
      const [http, grpc, admin, profile] = await freePorts(4);
      return {
        environment: {
          LOMS_HTTP: `127.0.0.1:${http}`,
          LOMS_GRPC: `127.0.0.1:${grpc}`,
          LOMS_ADMIN: `127.0.0.1:${admin}`,
          LOMS_PROFILE: `127.0.0.1:${profile}`,
          DATABASE_URL: database,
          DATABASE_REPLICA_URLS: pair.replicaUrls("loms").join(","),
          BUS_DATABASE_URL: pair.primaryUrl("bus"),
          ORDER_PAYMENT_TIMEOUT: "24h",
        },
        url: `http://127.0.0.1:${http}`,
        grpc: `127.0.0.1:${grpc}`,
      };
    },
    open({ grpc = "" }) {
      const options = { definition: LomsDefinition, address: grpc, errorDetails: [] };
      const client = createGrpcClient(options);
      return {
        async doOne() {
          const sku = skus[number++ % SKUS] as number;
          await client.call("orderCreate", { user: 7n, items: [{ sku, count: 1 }] }, testContext());
        },
        async settled() {
          while ((await outboxBacklog(ORDER_OUTBOX, pool, testContext())).events > 0) {
            await sleep(systemClock, SETTLED_POLL_MS);
          }
        },
        close: () => client.close(),
      };
    },
  };
}
