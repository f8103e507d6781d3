-- For a loms whose relay reads every event from the table.
create or replace function loms_expire_orders_durable(
  max_orders int,
  traceparent text,
  payment_timeout_ms bigint,
  durability text
) returns int
language sql
as $$
  select count(*)::int
  from loms_expire_orders_events(max_orders, traceparent, payment_timeout_ms, durability)
$$;
