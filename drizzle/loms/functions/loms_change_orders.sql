-- For calls that began before the events were returned.
create or replace function loms_change_orders(
  order_ids bigint[],
  traceparents text[],
  target text,
  change_reason text
) returns void
language sql
as $$
  select count(*) from loms_change_orders_events(order_ids, traceparents, target, change_reason)
$$;
