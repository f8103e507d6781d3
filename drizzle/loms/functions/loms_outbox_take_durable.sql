-- Takes or renews the lease and reads the oldest events that wait, in one transaction: its commit
-- waits for the replica, and what it read was committed before, so no event is published that the
-- loss of the primary could undo.
--
-- Returns one row per event, state 'taken'; or a single row with state 'drained', or 'elsewhere'
-- while another relay has the lease.
create or replace function loms_outbox_take_durable(
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
  traceparent text
)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  lease_length constant interval := lease_ms * interval '1 ms';
begin
  perform set_config('synchronous_commit', durability, true);
  -- Its caller is gone by then, and the connection is wanted.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find nothing, and write nothing.
  if exists (select from outbox waiting where waiting.published_at is null) then
    -- A lease that ends later than one of now was taken before the clock stepped back. The clock is
    -- read for the row as it is once it is locked. only_row finds the row by its key: a scan of the
    -- table would cost 10^10 by the plan.
    update outbox_lease lease
    set holder = relay, until = clock_timestamp() + lease_length
    where lease.only_row and (
      lease.holder = relay or lease.until <= clock_timestamp()
      or lease.until > clock_timestamp() + lease_length
    );
    if not found then
      return query select 'elsewhere', null::bigint, null::bigint, null::bigint, null::int,
        null::text, null::text, null::text;
      return;
    end if;

    return query
    select 'taken', waiting.id, waiting.order_id, waiting.user_id, waiting.seq::int,
      waiting.status,
      to_char(waiting.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      waiting.traceparent
    from outbox waiting
    where waiting.published_at is null
    order by waiting.published_at, waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::bigint, null::int,
    null::text, null::text, null::text;
end
$$;
