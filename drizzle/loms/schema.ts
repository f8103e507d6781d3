import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import type { ShortSku } from "../../proto/loms/v1/order-shortage.ts";
import { type EndReason, ORDER_STATUSES, type OrderStatus } from "../../proto/order-status.ts";
import type { StockEventKind } from "../../proto/stock-event.ts";

// No foreign keys: only the functions of the database write here, they delete no orders and no
// stock rows, and a check of every row would cost more than the write.

/** The shortage of a failed order, as its buyer saw it. */
export interface StoredShortage {
  readonly skus: readonly ShortSku[];
  readonly skus_total: number;
}

const int64 = (name: string) => bigint(name, { mode: "bigint" });
const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "string" });

/** docs/decisions/0050-relay-lease.md explains the floor. */
const leaseColumns = {
  onlyRow: boolean("only_row").primaryKey().default(true),
  holder: uuid("holder"),
  until: moment("until").notNull(),
  /** When another relay stops waiting for the lease or for the events of its process. */
  awaitedUntil: moment("awaited_until").notNull().default("-infinity"),
  /** No event with a lower id waits, and none ever will. */
  floor: int64("floor").notNull().default(sql`1`),
  /** The last id drawn before the transaction `drawnXid` began. */
  drawn: int64("drawn").notNull().default(sql`0`),
  drawnXid: int64("drawn_xid").notNull().default(sql`0`),
  /** No event has a lower id: the cleaner begins here. */
  cleanedTo: int64("cleaned_to").notNull().default(sql`1`),
};

/** An order is never stored as `new`: it gets its next status in the same transaction. */
const STORED_STATUSES = ORDER_STATUSES.filter((status) => status !== "new");

export const orders = pgTable("orders", {
  // "By default", because a batch takes its ids from the sequence before it inserts.
  orderId: int64("order_id").primaryKey().generatedByDefaultAsIdentity(),
  userId: int64("user_id").notNull(),
  status: text("status").$type<OrderStatus>().notNull(),
  /** The `seq` of the order's newest event. */
  seq: smallint("seq").notNull(),
  changedAt: moment("changed_at").notNull(),
  createdAt: moment("created_at").notNull(),
  /** Null for an order that never awaited payment. */
  paymentDueAt: moment("payment_due_at"),
  shortage: jsonb("shortage").$type<StoredShortage>(),
  /** Null unless cancelled or failed, and for an order that ended before reasons were stored. */
  reason: text("reason").$type<EndReason>(),
}, (table) => [
  check(
    "orders_status",
    sql`${table.status} in (${sql.raw(STORED_STATUSES.map((status) => `'${status}'`).join(", "))})`,
  ),
  index("orders_payment_due").on(table.paymentDueAt)
    .where(sql`${table.status} = 'awaiting payment'`),
  index("orders_user").on(table.userId, table.orderId),
]);

export const orderItems = pgTable("order_items", {
  orderId: int64("order_id").notNull(),
  // uint32, which PostgreSQL does not have.
  sku: bigint("sku", { mode: "number" }).notNull(),
  count: integer("count").notNull(),
  /** The agreed price of one unit, uint32; null if the caller sent none. */
  price: bigint("price", { mode: "number" }),
}, (table) => [primaryKey({ columns: [table.orderId, table.sku] })]);

export const stocks = pgTable("stocks", {
  sku: bigint("sku", { mode: "number" }).primaryKey(),
  totalCount: int64("total_count").notNull(),
  // May exceed total_count: the test data have a SKU with more reserved units than its total.
  reserved: int64("reserved").notNull(),
}, (table) => [
  check("stocks_total_count", sql`${table.totalCount} >= 0`),
  check("stocks_reserved", sql`${table.reserved} >= 0`),
]);

/** An operator's call with its answer, by its reference. */
export const stockChanges = pgTable("stock_changes", {
  reference: text("reference").primaryKey(),
  kind: text("kind").$type<"received" | "counted">().notNull(),
  reason: text("reason").notNull(),
  skus: bigint("skus", { mode: "number" }).array().notNull(),
  /** Units to add for `received`, totals for `counted`; one per SKU. */
  counts: int64("counts").array().notNull(),
  /** `total_count` and `reserved` of each SKU after the call. */
  totalCounts: int64("total_counts").array().notNull(),
  reserved: int64("reserved").array().notNull(),
  at: moment("at").notNull(),
});

/** The ledger, kept forever: `stocks.total_count` is the sum of `count` less the payed units. */
export const stockMovements = pgTable("stock_movements", {
  // The sequence must not cache: within a SKU a later movement needs a higher id.
  id: int64("id").primaryKey().generatedAlwaysAsIdentity(),
  sku: bigint("sku", { mode: "number" }).notNull(),
  kind: text("kind").$type<"opening" | "received" | "counted">().notNull(),
  /** Signed. */
  count: int64("count").notNull(),
  /** The total of the SKU after the movement. */
  totalCount: int64("total_count").notNull(),
  reason: text("reason").notNull(),
  reference: text("reference").notNull(),
  at: moment("at").notNull(),
}, (table) => [index("stock_movements_sku").on(table.sku, table.id)]);

/** Stock events for the bus; published rows are deleted after some time. */
export const stockOutbox = pgTable(
  "stock_outbox",
  {
    // The sequence must not cache: within a SKU a later event needs a higher id.
    id: int64("id").primaryKey().generatedAlwaysAsIdentity(),
    sku: bigint("sku", { mode: "number" }).notNull(),
    kind: text("kind").$type<StockEventKind>().notNull(),
    available: int64("available").notNull(),
    totalCount: int64("total_count").notNull(),
    at: moment("at").notNull(),
    traceparent: text("traceparent").notNull(),
    publishedAt: moment("published_at"),
  },
  (table) => [index("stock_outbox_waiting").on(table.id).where(sql`${table.publishedAt} is null`)],
);

/** Stock events that the bus refused permanently; they wait for an operator. */
export const stockOutboxRefused = pgTable("stock_outbox_refused", {
  id: int64("id").primaryKey(),
  sku: bigint("sku", { mode: "number" }).notNull(),
  reason: text("reason").notNull(),
  refusedAt: moment("refused_at").notNull(),
});

/** One row, as {@link outboxLease} of the stock events. */
export const stockOutboxLease = pgTable(
  "stock_outbox_lease",
  leaseColumns,
  (table) => [check("stock_outbox_lease_only_row", sql`${table.onlyRow}`)],
);

export const idempotencyKeys = pgTable("idempotency_keys", {
  userId: int64("user_id").notNull(),
  key: text("key").notNull(),
  orderId: int64("order_id").notNull(),
  createdAt: moment("created_at").notNull(),
}, (table) => [primaryKey({ columns: [table.userId, table.key] })]);

/** The history of every order, kept forever. */
export const orderEvents = pgTable("order_events", {
  orderId: int64("order_id").notNull(),
  seq: smallint("seq").notNull(),
  status: text("status").$type<OrderStatus>().notNull(),
  at: moment("at").notNull(),
  traceparent: text("traceparent").notNull(),
  reason: text("reason").$type<EndReason>(),
}, (table) => [primaryKey({ columns: [table.orderId, table.seq] })]);

/** Refused payments of cancelled or overdue orders, which an operator may have to repay. */
export const latePayments = pgTable("late_payments", {
  orderId: int64("order_id").primaryKey(),
  firstAt: moment("first_at").notNull(),
  lastAt: moment("last_at").notNull(),
  tries: integer("tries").notNull(),
});

/** Order events for the bus; published rows are deleted after some time. */
export const outbox = pgTable("outbox", {
  // The sequence must not cache: within an order a later event needs a higher id.
  id: int64("id").primaryKey().generatedAlwaysAsIdentity(),
  orderId: int64("order_id").notNull(),
  userId: int64("user_id").notNull(),
  seq: smallint("seq").notNull(),
  status: text("status").$type<OrderStatus>().notNull(),
  at: moment("at").notNull(),
  traceparent: text("traceparent").notNull(),
  publishedAt: moment("published_at"),
  reason: text("reason").$type<EndReason>(),
}, (table) => [index("outbox_waiting").on(table.id).where(sql`${table.publishedAt} is null`)]);

/** Events that the bus refused permanently; they wait for an operator and block no other event. */
export const outboxRefused = pgTable("outbox_refused", {
  orderId: int64("order_id").notNull(),
  seq: smallint("seq").notNull(),
  reason: text("reason").notNull(),
  refusedAt: moment("refused_at").notNull(),
}, (table) => [primaryKey({ columns: [table.orderId, table.seq] })]);

/** One row: which relay publishes, until when, and the floor of its reads. */
export const outboxLease = pgTable(
  "outbox_lease",
  leaseColumns,
  (table) => [check("outbox_lease_only_row", sql`${table.onlyRow}`)],
);
