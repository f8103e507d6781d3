CREATE TABLE "outbox_refused" (
	"order_id" bigint NOT NULL,
	"seq" smallint NOT NULL,
	"reason" text NOT NULL,
	"refused_at" timestamp with time zone NOT NULL,
	CONSTRAINT "outbox_refused_order_id_seq_pk" PRIMARY KEY("order_id","seq")
);
