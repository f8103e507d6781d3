-- Receives units or sets what was counted, all lines or none. The SKUs are ascending, each once;
-- change_counts has the units to add (kind 'received') or the totals ('counted').
--
-- Returns one row per SKU, ascending: 'changed' with its stock. If a line is refused, returns one
-- row per refused line, and changes nothing: 'below_reserved' with the requested total and the
-- reserved units; 'above_maximum' with the current total. Or a single row 'reference_reused', if
-- the reference belongs to a change with other contents. A repeated reference gets the first answer
-- again.
create or replace function loms_stock_change(
  change_reference text,
  change_kind text,
  change_reason text,
  change_skus bigint[],
  change_counts bigint[],
  traceparent text,
  durability text
) returns table (kind text, sku bigint, total_count bigint, reserved bigint)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  int64_max constant numeric := 9223372036854775807;
  known stock_changes;
  moment timestamptz;
  new_skus bigint[];
  new_totals bigint[];
  held bigint[];
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  -- A reference that another transaction is inserting makes this insert wait for it.
  insert into stock_changes (
    reference, kind, reason, skus, counts, total_counts, reserved, at
  ) values (
    change_reference, change_kind, change_reason, change_skus, change_counts, '{}', '{}',
    clock_timestamp()
  )
  on conflict do nothing;
  if not found then
    select taken.* into known from stock_changes taken where taken.reference = change_reference;
    -- Without a write the commit would not wait until the replica has what was read.
    perform pg_logical_emit_message(true, 'loms', 'repeated');
    if (known.kind, known.reason, known.skus, known.counts)
      is distinct from (change_kind, change_reason, change_skus, change_counts)
    then
      return query select 'reference_reused', null::bigint, null::bigint, null::bigint;
    else
      return query
      select 'changed', line.sku, line.total_count, line.reserved
      from unnest(known.skus, known.total_counts, known.reserved)
        line (sku, total_count, reserved)
      order by line.sku;
    end if;
    return;
  end if;

  with missing as (
    insert into stocks (sku, total_count, reserved)
    select line.sku, 0, 0
    from unnest(change_skus) line (sku)
    where not exists (select from stocks stock where stock.sku = line.sku)
    order by line.sku
    on conflict do nothing
    returning stocks.sku
  )
  select array_agg(missing.sku) into new_skus from missing;

  perform from stocks stock
  where stock.sku = any (change_skus)
  order by stock.sku
  for no key update;
  moment := date_trunc('milliseconds', clock_timestamp());

  return query
  select
    case when requested.total > int64_max then 'above_maximum' else 'below_reserved' end,
    stock.sku,
    case when requested.total > int64_max then stock.total_count else requested.total::bigint end,
    stock.reserved
  from unnest(change_skus, change_counts) line (sku, count)
  join stocks stock on stock.sku = line.sku
  cross join lateral (
    select case change_kind when 'received' then stock.total_count else 0 end + line.count::numeric
      as total
  ) requested
  -- A SKU with more reserved than there is may rise, or stay.
  where requested.total > int64_max or requested.total < least(stock.reserved, stock.total_count)
  order by stock.sku;
  if found then
    delete from stock_changes taken where taken.reference = change_reference;
    delete from stocks stock where stock.sku = any (new_skus);
    return;
  end if;

  with line as materialized (
    select stock.sku, stock.total_count as total_before, stock.reserved,
      requested.count + case when change_kind = 'received' then stock.total_count else 0 end
        as total_count
    from unnest(change_skus, change_counts) requested (sku, count)
    join stocks stock on stock.sku = requested.sku
  ), updated as (
    update stocks stock set total_count = line.total_count
    from line
    where stock.sku = line.sku and stock.sku = any (change_skus)
  ), movement as (
    insert into stock_movements (sku, kind, count, total_count, reason, reference, at)
    select line.sku, change_kind, line.total_count - line.total_before, line.total_count,
      change_reason, change_reference, moment
    from line
    order by line.sku
  ), event as (
    insert into stock_outbox (sku, kind, available, total_count, at, traceparent)
    select line.sku, step.kind, greatest(line.total_count - line.reserved, 0), line.total_count,
      moment, traceparent
    from line
    cross join lateral (
      values
        (1, change_kind, true),
        (2, 'sold_out', line.total_before > line.reserved and line.total_count <= line.reserved),
        (2, 'back_in_stock',
          line.total_before <= line.reserved and line.total_count > line.reserved)
    ) step (number, kind, happened)
    where step.happened
    order by line.sku, step.number
  )
  select array_agg(line.total_count order by line.sku), array_agg(line.reserved order by line.sku)
  into new_totals, held
  from line;

  update stock_changes taken
  set total_counts = new_totals, reserved = held, at = moment
  where taken.reference = change_reference;

  return query
  select 'changed', line.sku, line.total_count, line.reserved
  from unnest(change_skus, new_totals, held) line (sku, total_count, reserved)
  order by line.sku;
end
$$;
