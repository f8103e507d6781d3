import type { CloseStack } from "../../shared/lifecycle.ts";
import { setTimeout as wait } from "node:timers/promises";
import { grpcRequest } from "../load/load.ts";
import type { Request } from "../load/report.ts";
import { TRACEPARENT } from "../references/naive-statements.ts";
import { loadedVariant, type Variant } from "../rounds.ts";
import { type Loms, metricOf, orderRequests, SKUS, startLoms } from "./loms.ts";
import { fillStock, type LomsDatabase, openPostgres, type Postgres } from "./postgres.ts";

const CALLERS = 64;
const SECONDS = 1;
const REQUESTS = 5_000;
const ORDERS_PER_BUYER = 10;
/** Rows of one insert; a longer one would delay the standby. */
const INSERT_MAX = 500_000;
const SMALLEST = 10_000;
const BACKLOG_POLL_MS = 10;
const BACKLOG_MAX_MS = 60_000;

/** The smallest size and one that grows. */
export interface Growth {
  growTo(size: number): Promise<void>;
  /** The smallest, and the other at its size. */
  variantsOf(load: string, size: number): readonly [Variant, Variant];
}

interface Shop {
  readonly loms: Loms;
  readonly database: LomsDatabase;
  size: number;
}

async function openShops(opened: CloseStack) {
  const postgres = await openPostgres(opened, {
    ...{ databases: ["few", "many", "bus_few", "bus_many"], durable: false },
    settings: { max_wal_size: "4GB" },
  });
  const open = async (name: string): Promise<Shop> => {
    const database = await postgres.loms(name);
    await fillStock(database, SKUS);
    const environment = { BUS_DATABASE_URL: postgres.pair.primaryUrl(`bus_${name}`) };
    const loms = await startLoms({ postgres, database, environment, name }, opened);
    loms.pause();
    return { loms, database, size: 0 };
  };
  return { postgres, few: await open("few"), many: await open("many") };
}

export async function openOrderGrowth(opened: CloseStack): Promise<Growth> {
  const { postgres, few, many } = await openShops(opened);
  await fillOrders(few, SMALLEST);
  return {
    growTo: (size) => fillOrders(many, size),
    variantsOf: (load, size) => [
      orderVariant(`${load}, ${SMALLEST} orders`, requestsOf(load, SMALLEST), few.loms, postgres),
      orderVariant(`${load}, ${size} orders`, requestsOf(load, size), many.loms, postgres),
    ],
  };
}

function orderVariant(
  name: string,
  requests: readonly Request[],
  loms: Loms,
  postgres: Postgres,
): Variant {
  return loadedVariant(
    name,
    {
      ...{ protocol: "grpc", addresses: [loms.grpc], requests, callers: CALLERS, seconds: SECONDS },
    },
    [loms, ...postgres.parts],
    [loms],
  );
}

function requestsOf(load: string, orders: number): Request[] {
  if (load === "OrderCreate") return orderRequests(REQUESTS);
  const anyOf = (count: number) => BigInt(1 + Math.floor(Math.random() * count));
  return Array.from(
    { length: REQUESTS },
    () =>
      load === "OrderInfo"
        ? grpcRequest("orderInfo", { orderID: anyOf(orders) })
        : grpcRequest("orderList", { user: anyOf(orders / ORDERS_PER_BUYER), statuses: [] }),
  );
}

/** Payed orders of one line, ten a buyer, written by SQL. */
async function fillOrders(shop: Shop, size: number): Promise<void> {
  const { run } = shop.database;
  for (let from = shop.size + 1; from <= size; from += INSERT_MAX) {
    const to = Math.min(from + INSERT_MAX - 1, size);
    // Above the ids of orders that were created meanwhile.
    await run(`with placed as (
        insert into orders (order_id, user_id, status, seq, changed_at, created_at)
        select n, 1 + n / ${ORDERS_PER_BUYER}, 'payed', 3, now(), now()
        from generate_series(${from}, ${to}) n returning order_id
      )
      insert into order_items (order_id, sku, count, price)
      select order_id, 1, 1, 100 from placed`);
  }
  if (shop.size === 0) await run(`alter table orders alter order_id restart with 1000000000`);
  shop.size = size;
  for (const table of ["orders", "order_items"]) await run(`vacuum analyze ${table}`);
}

export async function openEventGrowth(opened: CloseStack): Promise<Growth> {
  const { postgres, few, many } = await openShops(opened);
  const published = (name: string, { loms }: Shop): Variant => {
    const variant = orderVariant(name, orderRequests(REQUESTS), loms, postgres);
    const measure: Variant["measure"] = async (changes) => {
      const measured = await variant.measure(changes);
      loms.resume();
      const seconds = measured.run_seconds + await drainSeconds(loms);
      loms.pause();
      return { ...measured, perSecond: measured.all / seconds };
    };
    return { ...variant, measure };
  };
  return {
    async growTo(size) {
      await many.database.run(
        `insert into outbox (order_id, user_id, seq, status, at, traceparent, published_at)
         select n, 7, 1, 'new', now(), '${TRACEPARENT}',
           now()
         from generate_series(${many.size + 1}, ${size}) n`,
      );
      many.size = size;
      await many.database.run("vacuum analyze outbox");
    },
    variantsOf: (load, size) => [
      published(`${load}, none published`, few),
      published(`${load}, ${size} published`, many),
    ],
  };
}

/** Waits until no event waits. */
async function drainSeconds({ http }: Loms): Promise<number> {
  const startedAt = performance.now();
  while (await metricOf(http, "outbox_backlog_events") > 0) {
    if (performance.now() - startedAt > BACKLOG_MAX_MS) throw new Error("events wait for a minute");
    await wait(BACKLOG_POLL_MS);
  }
  return (performance.now() - startedAt) / 1_000;
}
