-- For a loms that does not pass the source statuses.
create or replace function loms_order_change_durable(
  order_ids bigint[],
  traceparents text[],
  target text,
  durability text
) returns table (place int, kind text, status text)
language sql
as $$
  select changed.place, changed.kind, changed.status
  from loms_order_change_from(
    order_ids, traceparents, target, array['awaiting payment'], durability
  ) changed
$$;
