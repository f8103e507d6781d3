-- For a loms that does not pass the durability: the session's setting applies.
create or replace function loms_outbox_take(relay uuid, lease_ms int, max_events int)
returns table (
  state text,
  id bigint,
  order_id bigint,
  user_id bigint,
  seq int,
  status text,
  at text,
  traceparent text
)
language sql
as $$
  select taken.state, taken.id, taken.order_id, taken.user_id, taken.seq, taken.status, taken.at,
    taken.traceparent
  from loms_outbox_take_durable(
    relay, lease_ms, max_events, current_setting('synchronous_commit')
  ) taken
$$;
