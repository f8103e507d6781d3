import {
  bigint,
  boolean,
  index,
  integer,
  pgSchema,
  primaryKey,
  timestamp,
} from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm";

/** A separate schema, so that the notifier may share a database. */
export const notifier = pgSchema("notifier");

/** The newest event of each order that was shown. */
export const lastShown = notifier.table("last_shown", {
  orderId: bigint("order_id", { mode: "bigint" }).primaryKey(),
  seq: integer("seq").notNull(),
  /** Whether it was the order's last event. */
  final: boolean("final").notNull(),
  /** Whether the first event was shown soon after it happened: then every later order has one. */
  sinceFirst: boolean("since_first").notNull().default(false),
  shownAt: timestamp("shown_at", { withTimezone: true, mode: "string" }).notNull().defaultNow(),
}, (table) => [
  // Finds the rows to delete.
  index("last_shown_final").on(table.shownAt).where(sql`${table.final}`),
]);

/** Dead-lettered events: a gap in seq that they explain is not a loss. */
export const deadEvents = notifier.table("dead_events", {
  orderId: bigint("order_id", { mode: "bigint" }).notNull(),
  seq: integer("seq").notNull(),
  notedAt: timestamp("noted_at", { withTimezone: true, mode: "string" }).notNull().defaultNow(),
}, (table) => [primaryKey({ columns: [table.orderId, table.seq] })]);
