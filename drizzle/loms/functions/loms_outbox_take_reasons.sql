-- Takes or renews the lease and reads the oldest events that wait, in one transaction: its commit
-- waits for the replica, and what it read was committed before, so no event is published that the
-- loss of the primary could undo.
--
-- Returns one row per event, state 'taken'; or a single row with state 'drained', or 'elsewhere'
-- while another relay has the lease. refused_before lists the ids of the order's earlier events
-- that the bus refused; one statement reads both, so that no refusal is missed.
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
declare
  lease_length constant interval := lease_ms * interval '1 ms';
  floor bigint;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select lease.floor into floor from outbox_lease lease where lease.only_row;
  -- Most calls find no event, and write nothing.
  if exists (
    select from outbox waiting where waiting.published_at is null and waiting.id >= floor
  ) then
    -- A lease that ends later than a new one would was taken before the clock was set back. The
    -- clock is read once the row is locked. only_row finds the row by its key: the planner would
    -- rate a scan of the table at 10^10.
    update outbox_lease lease
    set holder = relay, until = clock_timestamp() + lease_length
    where lease.only_row and (
      lease.holder = relay or lease.until <= clock_timestamp()
      or lease.until > clock_timestamp() + lease_length
    );
    if not found then
      return query select 'elsewhere', null::bigint, null::bigint, null::bigint, null::int,
        null::text, null::text, null::text, null::text, null::text;
      return;
    end if;

    return query
    select 'taken', waiting.id, waiting.order_id, waiting.user_id, waiting.seq::int,
      waiting.status,
      to_char(waiting.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      waiting.traceparent,
      (
        select string_agg(refused.order_id || '-' || refused.seq, ',' order by refused.seq)
        from outbox_refused refused
        where refused.order_id = waiting.order_id and refused.seq < waiting.seq
      ),
      waiting.reason
    from outbox waiting
    where waiting.published_at is null and waiting.id >= floor
    order by waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::bigint, null::int,
    null::text, null::text, null::text, null::text, null::text;
end
$$;
