-- Every write of an order locks "orders" before the tables below it: in this order there is no
-- deadlock with writes under way.
ALTER TABLE "orders" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "order_items" ADD COLUMN "price" bigint;--> statement-breakpoint
ALTER TABLE "order_events" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "reason" text;--> statement-breakpoint
CREATE TABLE "late_payments" (
	"order_id" bigint PRIMARY KEY NOT NULL,
	"first_at" timestamp with time zone NOT NULL,
	"last_at" timestamp with time zone NOT NULL,
	"tries" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stock_changes" (
	"reference" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"reason" text NOT NULL,
	"skus" bigint[] NOT NULL,
	"counts" bigint[] NOT NULL,
	"total_counts" bigint[] NOT NULL,
	"reserved" bigint[] NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stock_movements" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "stock_movements_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sku" bigint NOT NULL,
	"kind" text NOT NULL,
	"count" bigint NOT NULL,
	"total_count" bigint NOT NULL,
	"reason" text NOT NULL,
	"reference" text NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stock_outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "stock_outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sku" bigint NOT NULL,
	"kind" text NOT NULL,
	"available" bigint NOT NULL,
	"total_count" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"traceparent" text NOT NULL,
	"published_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "stock_outbox_lease" (
	"only_row" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"holder" uuid,
	"until" timestamp with time zone NOT NULL,
	CONSTRAINT "stock_outbox_lease_only_row" CHECK ("stock_outbox_lease"."only_row")
);
--> statement-breakpoint
CREATE TABLE "stock_outbox_refused" (
	"id" bigint PRIMARY KEY NOT NULL,
	"sku" bigint NOT NULL,
	"reason" text NOT NULL,
	"refused_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "stock_movements_sku" ON "stock_movements" USING btree ("sku","id");--> statement-breakpoint
CREATE INDEX "stock_outbox_unpublished" ON "stock_outbox" USING btree ("published_at","id") WHERE "stock_outbox"."published_at" is null;--> statement-breakpoint
-- On a database with orders, npm run migrate has built it concurrently before this transaction.
CREATE INDEX IF NOT EXISTS "orders_user" ON "orders" USING btree ("user_id","order_id");--> statement-breakpoint
INSERT INTO "stock_outbox_lease" ("until") VALUES ('-infinity');
