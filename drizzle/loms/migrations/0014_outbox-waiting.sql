-- Writes lock "stock_outbox" before "outbox": in this order there is no deadlock with them. On a
-- database with events npm run migrate has built the indexes concurrently before this transaction.
DROP INDEX "stock_outbox_unpublished";--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "stock_outbox_waiting" ON "stock_outbox" USING btree ("id") WHERE "stock_outbox"."published_at" is null;--> statement-breakpoint
DROP INDEX "outbox_unpublished";--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "outbox_waiting" ON "outbox" USING btree ("id") WHERE "outbox"."published_at" is null;
