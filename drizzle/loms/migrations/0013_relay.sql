ALTER TABLE "outbox_lease" ADD COLUMN "awaited_until" timestamp with time zone DEFAULT '-infinity' NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox_lease" ADD COLUMN "floor" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox_lease" ADD COLUMN "drawn" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox_lease" ADD COLUMN "drawn_xid" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox_lease" ADD COLUMN "cleaned_to" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "stock_outbox_lease" ADD COLUMN "awaited_until" timestamp with time zone DEFAULT '-infinity' NOT NULL;--> statement-breakpoint
ALTER TABLE "stock_outbox_lease" ADD COLUMN "floor" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "stock_outbox_lease" ADD COLUMN "drawn" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "stock_outbox_lease" ADD COLUMN "drawn_xid" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "stock_outbox_lease" ADD COLUMN "cleaned_to" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
-- Trigger of the outboxes: the transaction has its xid before it draws an id. By itself an insert
-- gets it afterwards, and the floor of loms_outbox_hold could pass an id that is not committed yet.
create or replace function loms_xid_before_id() returns trigger
language plpgsql
set jit = off
as $$
begin
  perform pg_current_xact_id();
  return null;
end
$$;
--> statement-breakpoint
CREATE TRIGGER "outbox_xid_before_id" BEFORE INSERT ON "outbox" FOR EACH STATEMENT EXECUTE FUNCTION loms_xid_before_id();--> statement-breakpoint
CREATE TRIGGER "stock_outbox_xid_before_id" BEFORE INSERT ON "stock_outbox" FOR EACH STATEMENT EXECUTE FUNCTION loms_xid_before_id();
