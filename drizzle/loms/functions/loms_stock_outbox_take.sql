-- Like loms_outbox_take_reasons, for the stock events: takes or renews the lease and reads the
-- oldest events that wait, in one transaction whose commit waits for the replica.
--
-- Returns one row per event, state 'taken'; or a single row with state 'drained', or 'elsewhere'
-- while another relay has the lease.
create or replace function loms_stock_outbox_take(
  relay uuid,
  lease_ms int,
  max_events int,
  durability text
)
returns table (
  state text,
  id bigint,
  sku bigint,
  kind text,
  available bigint,
  total_count bigint,
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
  floor bigint;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select lease.floor into floor from stock_outbox_lease lease where lease.only_row;
  -- Most calls find no event, and write nothing.
  if exists (
    select from stock_outbox waiting where waiting.published_at is null and waiting.id >= floor
  ) then
    -- A lease that ends later than a new one would was taken before the clock was set back.
    update stock_outbox_lease lease
    set holder = relay, until = clock_timestamp() + lease_length
    where lease.only_row and (
      lease.holder = relay or lease.until <= clock_timestamp()
      or lease.until > clock_timestamp() + lease_length
    );
    if not found then
      return query select 'elsewhere', null::bigint, null::bigint, null::text, null::bigint,
        null::bigint, null::text, null::text;
      return;
    end if;

    return query
    select 'taken', waiting.id, waiting.sku, waiting.kind, waiting.available,
      waiting.total_count,
      to_char(waiting.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      waiting.traceparent
    from stock_outbox waiting
    where waiting.published_at is null and waiting.id >= floor
    order by waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::text, null::bigint,
    null::bigint, null::text, null::text;
end
$$;
