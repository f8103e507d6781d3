create index concurrently if not exists "orders_user" on "orders" ("user_id", "order_id");
