-- Changes the status of orders to target, 'payed' or 'cancelled', from one of the statuses in
-- sources. An order that awaits payment has its items reserved: any other source status would need
-- its own stock rule.
--
-- Returns one row per order by place, from 1: 'changed'; 'unchanged', for an order that already has
-- that status; 'not_found'; 'wrong_status' with the order's status; 'payment_overdue'. A payment
-- that is refused because the order is cancelled or overdue is recorded in late_payments. A changed
-- order has its event in the outbox. stock_events: whether the call wrote stock events.
create or replace function loms_order_change_events(
  order_ids bigint[],
  traceparents text[],
  target text,
  sources text[],
  durability text
) returns table (
  place int,
  kind text,
  status text,
  event_id bigint,
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
  moment timestamptz;
  found_ids bigint[];
  found_statuses text[];
  found_due timestamptz[];
  kinds text[];
  changing_ids bigint[];
  changing_traceparents text[];
  late boolean := false;
  -- One element an order that was changed.
  changed_ids bigint[];
  event_ids bigint[];
  event_users bigint[];
  event_seqs int[];
  event_times text[];
  is_stock_written boolean := false;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select array_agg(locked.order_id), array_agg(locked.status), array_agg(locked.payment_due_at)
  into found_ids, found_statuses, found_due
  from (
    select stored.order_id, stored.status, stored.payment_due_at
    from orders stored
    where stored.order_id = any (order_ids)
    order by stored.order_id
    for no key update
  ) locked;
  moment := clock_timestamp();

  select array_agg(
    case
      when stored.order_id is null then 'not_found'
      when stored.status = target then 'unchanged'
      when stored.status <> all (sources) then 'wrong_status'
      when target = 'payed' and stored.due_at <= moment then 'payment_overdue'
      -- The same order earlier in the list has just been changed.
      when requested.turn > 1 then 'unchanged'
      else 'changed'
    end order by requested.place
  ) into kinds
  from (
    select listed.order_id, listed.place,
      row_number() over (partition by listed.order_id order by listed.place) as turn
    from unnest(order_ids) with ordinality listed (order_id, place)
  ) requested
  left join unnest(found_ids, found_statuses, found_due) stored (order_id, status, due_at)
    on stored.order_id = requested.order_id;

  select array_agg(requested.order_id), array_agg(requested.traceparent)
  into changing_ids, changing_traceparents
  from unnest(order_ids, traceparents, kinds) requested (order_id, traceparent, kind)
  where requested.kind = 'changed';

  if target = 'payed' then
    insert into late_payments as known (order_id, first_at, last_at, tries)
    select requested.order_id, moment, moment, count(*)
    from unnest(order_ids, kinds) requested (order_id, kind)
    left join unnest(found_ids, found_statuses) stored (order_id, status)
      on stored.order_id = requested.order_id
    where requested.kind = 'payment_overdue'
      or requested.kind = 'wrong_status' and stored.status = 'cancelled'
    group by requested.order_id
    order by requested.order_id
    on conflict (order_id) do update
    set last_at = greatest(known.last_at, excluded.last_at), tries = known.tries + excluded.tries;
    late := found;
  end if;

  if changing_ids is not null then
    select array_agg(written.order_id), array_agg(written.event_id),
      array_agg(written.user_id), array_agg(written.seq), array_agg(written.at),
      bool_or(written.stock_events)
    into changed_ids, event_ids, event_users, event_seqs, event_times, is_stock_written
    from loms_change_orders_events(
      changing_ids, changing_traceparents, target,
      case when target = 'cancelled' then 'buyer' end
    ) written;
  elsif found_ids is not null and not late then
    -- Without a write the commit would not wait until the replica has what was read.
    perform pg_logical_emit_message(true, 'loms', 'repeated');
  end if;

  return query
  select requested.place::int, requested.kind, stored.status, event.id, event.user_id, event.seq,
    event.at, is_stock_written
  from unnest(order_ids, kinds) with ordinality requested (order_id, kind, place)
  left join unnest(found_ids, found_statuses) stored (order_id, status)
    on stored.order_id = requested.order_id
  left join unnest(changed_ids, event_ids, event_users, event_seqs, event_times)
    event (order_id, id, user_id, seq, at)
    on event.order_id = requested.order_id and requested.kind = 'changed'
  order by requested.place;
end
$$;
