-- For calls that began before the reason of a change was stored.
create or replace function loms_apply_change(
  order_ids bigint[],
  traceparents text[],
  target text
) returns void
language sql
as $$
  select loms_change_orders(order_ids, traceparents, target, null)
$$;
