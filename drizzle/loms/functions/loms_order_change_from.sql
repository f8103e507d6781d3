-- For a loms whose relay reads every event from the table.
create or replace function loms_order_change_from(
  order_ids bigint[],
  traceparents text[],
  target text,
  sources text[],
  durability text
) returns table (place int, kind text, status text)
language sql
as $$
  select changed.place, changed.kind, changed.status
  from loms_order_change_events(order_ids, traceparents, target, sources, durability) changed
$$;
