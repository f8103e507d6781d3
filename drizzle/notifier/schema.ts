import { bigint, boolean, index, integer, pgSchema, timestamp } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm";

/** A schema of its own, so that the notifier may share a database. */
export const notifier = pgSchema("notifier");

/** Of each order, the newest event that was shown. */
export const lastShown = notifier.table("last_shown", {
  orderId: bigint("order_id", { mode: "bigint" }).primaryKey(),
  seq: integer("seq").notNull(),
  /** No event follows this one. */
  final: boolean("final").notNull(),
  shownAt: timestamp("shown_at", { withTimezone: true, mode: "string" }).notNull().defaultNow(),
}, (table) => [
  // What is forgotten after a time.
  index("last_shown_final").on(table.shownAt).where(sql`${table.final}`),
]);
