CREATE SCHEMA "notifier";
--> statement-breakpoint
CREATE TABLE "notifier"."last_shown" (
	"order_id" bigint PRIMARY KEY NOT NULL,
	"seq" integer NOT NULL,
	"final" boolean NOT NULL,
	"shown_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "last_shown_final" ON "notifier"."last_shown" USING btree ("shown_at") WHERE "notifier"."last_shown"."final";