-- Takes or keeps the lease as loms_outbox_hold does, and reads the oldest waiting events that are
-- not in known_ids. A call that returns events writes something, and its commit waits for the
-- replica: the events were committed before, so no event is published that the loss of the primary
-- could undo.
--
-- Returns one row per event, state 'taken'; or a single row with state 'drained', or 'elsewhere'
-- while another relay has the lease. awaited: whether another relay waits. refused_before lists the
-- ids of the order's earlier events that the bus refused; one statement reads both, so that no
-- refusal is missed.
create or replace function loms_outbox_read(
  relay uuid,
  lease_ms int,
  known_ids bigint[],
  max_events int,
  durability text
)
returns table (
  state text,
  awaited boolean,
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
declare
  lease record;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select * into lease from loms_outbox_hold(relay, lease_ms);
  if lease.held then
    return query
    select 'taken', lease.awaited, waiting.id, waiting.order_id, waiting.user_id,
      waiting.seq::int, waiting.status,
      to_char(waiting.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      waiting.traceparent,
      (
        select string_agg(refused.order_id || '-' || refused.seq, ',' order by refused.seq)
        from outbox_refused refused
        where refused.order_id = waiting.order_id and refused.seq < waiting.seq
      ),
      waiting.reason
    from outbox waiting
    where waiting.published_at is null and waiting.id >= lease.floor
      -- A list in a subquery is hashed.
      and waiting.id not in (select unnest(known_ids))
    order by waiting.id
    limit max_events;
    if found then
      perform pg_logical_emit_message(true, 'loms', 'outbox');
      return;
    end if;
  end if;
  return query select case when lease.held then 'drained' else 'elsewhere' end, lease.awaited,
    null::bigint, null::bigint, null::bigint, null::int, null::text, null::text, null::text,
    null::text, null::text;
end
$$;
