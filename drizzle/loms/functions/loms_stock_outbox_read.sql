-- As loms_outbox_read, for the stock events.
create or replace function loms_stock_outbox_read(
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
  lease record;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select * into lease from loms_stock_outbox_hold(relay, lease_ms);
  if lease.held then
    return query
    select 'taken', lease.awaited, waiting.id, waiting.sku, waiting.kind, waiting.available,
      waiting.total_count,
      to_char(waiting.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      waiting.traceparent
    from stock_outbox waiting
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
    null::bigint, null::bigint, null::text, null::bigint, null::bigint, null::text, null::text;
end
$$;
