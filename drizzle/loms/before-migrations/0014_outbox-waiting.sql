create index concurrently if not exists "stock_outbox_waiting" on "stock_outbox" ("id")
where "published_at" is null;
--> statement-breakpoint
create index concurrently if not exists "outbox_waiting" on "outbox" ("id")
where "published_at" is null;
