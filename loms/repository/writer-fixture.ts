import { sql } from "drizzle-orm";
import { orderEvents, outbox, stockMovements, stocks } from "../../drizzle/loms/schema.ts";
import { type RequestContext, systemClock } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { backgroundContext, childTraceparent } from "../../shared/telemetry/tracing.ts";
import type { NewOrder, OrderItem } from "../domain/deps.ts";
import type { StockWriter } from "../domain/stock-deps.ts";
import { ReplicatedWrites } from "./replicated-writes.ts";
import { createStockWriter } from "./stock-writer.ts";
import { createOrderListWriter, type OrderListWriter, type OrderWriterOptions } from "./writer.ts";

const REQUEST_TIMEOUT_MS = 15_000;
const PAYMENT_TIMEOUT_MS = 600_000;

export interface WriterFixture {
  readonly pool: Pool;
  readonly writer: OrderListWriter;
  readonly stockWriter: StockWriter;
  /** A SKU that no other test uses. */
  addStock(totalCount: number, reserved?: number): Promise<number>;
  stockOf(sku: number): Promise<{ totalCount: number; reserved: number }>;
  /** Statuses by seq, from the history and from the outbox. */
  eventsOf(orderId: bigint): Promise<{ history: string[]; outbox: string[] }>;
  create(items: readonly OrderItem[], key?: string): ReturnType<OrderListWriter["orderCreate"]>;
}

/** For tests: writes through one pool, which wait for the synchronous replica if there is one. */
export function replicatedWrites(pool: StatementRunner): ReplicatedWrites {
  return new ReplicatedWrites({
    ...{ synchronous: pool, local: pool, clock: systemClock },
    standbys: undefined,
  });
}

/** For tests: a writer on a migrated database, and queries of its tables. */
export function openWriterFixture(
  url: string,
  { connections = 8, paymentTimeoutMs = PAYMENT_TIMEOUT_MS, onEvents }: {
    readonly connections?: number;
    readonly paymentTimeoutMs?: number;
    readonly onEvents?: NonNullable<OrderWriterOptions["onEvents"]>;
  } = {},
): WriterFixture {
  const pool = new Pool({
    url,
    role: "primary",
    max: connections,
    applicationName: "test",
    // It stands still, so no statement is too late, however busy the machine is.
    clock: new VirtualClock(),
  });
  const writes = replicatedWrites(pool);
  const writer = createOrderListWriter({
    pool: writes,
    paymentTimeoutMs,
    metrics: new Metrics("loms"),
    ...(onEvents && { onEvents }),
  });
  const { db } = pool;
  let nextSku = 2_000_000_000;
  return {
    pool,
    writer,
    stockWriter: createStockWriter(writes),
    async addStock(totalCount, reserved = 0) {
      const sku = nextSku++;
      const count = BigInt(totalCount);
      await db.insert(stocks).values({ sku, totalCount: count, reserved: BigInt(reserved) });
      await db.insert(stockMovements).values({
        ...{ sku, kind: "opening", count, totalCount: count, at: new Date().toISOString() },
        ...{ reason: "opening balance", reference: "opening" },
      });
      return sku;
    },
    async stockOf(sku) {
      const [row] = await db.select().from(stocks).where(sql`${stocks.sku} = ${sku}`);
      return { totalCount: Number(row?.totalCount), reserved: Number(row?.reserved) };
    },
    async eventsOf(orderId) {
      const history = await db.select().from(orderEvents)
        .where(sql`${orderEvents.orderId} = ${orderId}`).orderBy(orderEvents.seq);
      const waiting = await db.select().from(outbox)
        .where(sql`${outbox.orderId} = ${orderId}`).orderBy(outbox.id);
      const shown = (row: { seq: number; status: string }) => `${row.seq} ${row.status}`;
      return { history: history.map(shown), outbox: waiting.map(shown) };
    },
    create: (items, key) => writer.orderCreate([newOrder(items, key)], testContext()),
  };
}

export function newOrder(items: readonly OrderItem[], idempotencyKey?: string): NewOrder {
  return { userId: 7n, items, idempotencyKey, traceparent: childTraceparent(undefined) };
}

export function testContext(timeoutMs = REQUEST_TIMEOUT_MS): RequestContext {
  return backgroundContext(timeoutMs);
}
