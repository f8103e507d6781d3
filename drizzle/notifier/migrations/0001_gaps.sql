CREATE TABLE "notifier"."dead_events" (
	"order_id" bigint NOT NULL,
	"seq" integer NOT NULL,
	"noted_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "dead_events_order_id_seq_pk" PRIMARY KEY("order_id","seq")
);
--> statement-breakpoint
ALTER TABLE "notifier"."last_shown" ADD COLUMN "since_first" boolean DEFAULT false NOT NULL;