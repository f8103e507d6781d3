-- For a loms whose relay reads every event from the table.
create or replace function loms_order_create_priced(
  users bigint[],
  keys text[],
  traceparents text[],
  line_places int[],
  line_skus bigint[],
  line_counts int[],
  line_prices bigint[],
  payment_timeout_ms bigint,
  short_skus_max int,
  durability text
) returns table (place int, kind text, order_id bigint, shortage jsonb)
language sql
as $$
  select made.place, made.kind, made.order_id, made.shortage
  from loms_order_create_events(
    users, keys, traceparents, line_places, line_skus, line_counts, line_prices,
    payment_timeout_ms, short_skus_max, durability
  ) made
$$;
