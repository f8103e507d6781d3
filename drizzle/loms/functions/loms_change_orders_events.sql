-- Changes orders that await payment, locked by the caller, to 'payed' or 'cancelled': releases
-- their reserved units (a payed order removes them from the stock) and writes the events.
-- change_reason is null for 'payed'. Returns a row for each event in the outbox, and whether there
-- are stock events.
create or replace function loms_change_orders_events(
  order_ids bigint[],
  traceparents text[],
  target text,
  change_reason text
) returns table (
  event_id bigint,
  order_id bigint,
  user_id bigint,
  seq int,
  at text,
  stock_events boolean
)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := date_trunc('milliseconds', clock_timestamp());
  skus bigint[];
  counts bigint[];
  is_stock_written boolean;
begin
  select array_agg(held.sku order by held.sku), array_agg(held.count order by held.sku)
  into skus, counts
  from (
    select item.sku, sum(item.count)::bigint as count
    from order_items item
    where item.order_id = any (order_ids)
    group by item.sku
  ) held;

  perform from stocks stock where stock.sku = any (skus) order by stock.sku for no key update;

  with released as (
    update stocks stock
    set reserved = stock.reserved - held.count,
      total_count = stock.total_count - case when target = 'payed' then held.count else 0 end
    from unnest(skus, counts) held (sku, count)
    where stock.sku = held.sku and stock.sku = any (skus)
    returning stock.sku, stock.total_count, stock.total_count - stock.reserved as available,
      held.count
  )
  insert into stock_outbox (sku, kind, available, total_count, at, traceparent)
  select released.sku, 'back_in_stock', released.available, released.total_count, moment,
    traceparents[1]
  from released
  where target = 'cancelled' and released.available > 0 and released.available <= released.count
  order by released.sku;
  is_stock_written := found;

  return query
  with event as (
    update orders changed
    set status = target,
      reason = change_reason,
      seq = changed.seq + 1,
      -- A clock that was set back must not make the events of an order run backwards.
      changed_at = greatest(moment, changed.changed_at)
    from unnest(order_ids, traceparents) requested (order_id, traceparent)
    where changed.order_id = requested.order_id and changed.order_id = any (order_ids)
    returning changed.order_id, changed.user_id, changed.seq, changed.changed_at,
      requested.traceparent
  ), history as (
    insert into order_events (order_id, seq, status, at, traceparent, reason)
    select event.order_id, event.seq, target, event.changed_at, event.traceparent, change_reason
    from event
  )
  insert into outbox (order_id, user_id, seq, status, at, traceparent, reason)
  select event.order_id, event.user_id, event.seq, target, event.changed_at, event.traceparent,
    change_reason
  from event
  order by event.order_id
  returning outbox.id, outbox.order_id, outbox.user_id, outbox.seq::int,
    to_char(outbox.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), is_stock_written;
end
$$;
