-- For a loms that does not pass the durability: the session's setting applies.
create or replace function loms_order_change(
  order_ids bigint[],
  traceparents text[],
  target text
) returns table (place int, kind text, status text)
language sql
as $$
  select changed.place, changed.kind, changed.status
  from loms_order_change_durable(
    order_ids, traceparents, target, current_setting('synchronous_commit')
  ) changed
$$;
