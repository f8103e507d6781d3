-- As loms_outbox_take_reasons, for the stock events.
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
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find no event, and write nothing.
  if exists (
    select from stock_outbox waiting
    where waiting.published_at is null
      and waiting.id >= (select lease.floor from stock_outbox_lease lease where lease.only_row)
  ) then
    return query
    select found.state, found.id, found.sku, found.kind, found.available, found.total_count,
      found.at, found.traceparent
    from loms_stock_outbox_read(relay, lease_ms, '{}', max_events, durability) found;
  else
    state := 'drained';
    return next;
  end if;
end
$$;
