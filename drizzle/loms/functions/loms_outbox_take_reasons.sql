-- For a loms whose relay has the lease only while events wait: as loms_outbox_read, which takes the
-- lease in any case. Returns one row per event, state 'taken'; or a single row with state
-- 'drained', or 'elsewhere' while another relay has the lease.
create or replace function loms_outbox_take_reasons(
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
  refused_before text,
  reason text
)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find no event, and write nothing.
  if exists (
    select from outbox waiting
    where waiting.published_at is null
      and waiting.id >= (select lease.floor from outbox_lease lease where lease.only_row)
  ) then
    return query
    select found.state, found.id, found.order_id, found.user_id, found.seq, found.status, found.at,
      found.traceparent, found.refused_before, found.reason
    from loms_outbox_read(relay, lease_ms, '{}', max_events, durability) found;
  else
    state := 'drained';
    return next;
  end if;
end
$$;
