-- For a loms whose events have no reason.
create or replace function loms_outbox_take_events(
  relay uuid,
  lease_ms int,
  max_events int,
  durability text
)
returns table (
  state text,
  id bigint,
  order_id bigint,
  user_id bigint,
  seq int,
  status text,
  at text,
  traceparent text,
  refused_before text
)
language sql
as $$
  select taken.state, taken.id, taken.order_id, taken.user_id, taken.seq, taken.status, taken.at,
    taken.traceparent, taken.refused_before
  from loms_outbox_take_reasons(relay, lease_ms, max_events, durability) taken
$$;
