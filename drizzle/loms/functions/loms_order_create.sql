-- For a loms that does not pass the durability: the session's setting applies.
create or replace function loms_order_create(
  users bigint[],
  keys text[],
  traceparents text[],
  line_places int[],
  line_skus bigint[],
  line_counts int[],
  payment_timeout_ms bigint,
  short_skus_max int
) returns table (place int, kind text, order_id bigint, shortage jsonb)
language sql
as $$
  select made.place, made.kind, made.order_id, made.shortage
  from loms_order_create_durable(
    users, keys, traceparents, line_places, line_skus, line_counts, payment_timeout_ms,
    short_skus_max, current_setting('synchronous_commit')
  ) made
$$;
