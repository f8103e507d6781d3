-- Moves orders that await payment, locked by the caller, to 'payed' or 'cancelled': gives back what
-- they reserved (payed ones take it out of stock, too) and writes the events.
create or replace function loms_apply_change(
  order_ids bigint[],
  traceparents text[],
  target text
) returns void
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

  update stocks stock
  set reserved = stock.reserved - held.count,
    total_count = stock.total_count - case when target = 'payed' then held.count else 0 end
  from unnest(skus, counts) held (sku, count)
  where stock.sku = held.sku and stock.sku = any (skus);

  with event as (
    update orders changed
    set status = target,
      seq = changed.seq + 1,
      -- A clock that was set back must not make an order's history run backwards.
      changed_at = greatest(moment, changed.changed_at)
    from unnest(order_ids, traceparents) asked (order_id, traceparent)
    where changed.order_id = asked.order_id and changed.order_id = any (order_ids)
    returning changed.order_id, changed.user_id, changed.seq, changed.changed_at,
      asked.traceparent
  ), history as (
    insert into order_events (order_id, seq, status, at, traceparent)
    select event.order_id, event.seq, target, event.changed_at, event.traceparent from event
  )
  insert into outbox (order_id, user_id, seq, status, at, traceparent)
  select event.order_id, event.user_id, event.seq, target, event.changed_at, event.traceparent
  from event
  order by event.order_id;
end
$$;
--> statement-breakpoint
-- Pays or cancels orders; target is 'payed' or 'cancelled'. Answers by place, from 1: 'changed';
-- 'unchanged', for an order that has that status already; 'not_found'; 'wrong_status' with the
-- order's status; 'payment_overdue'.
create function loms_order_change_durable(
  order_ids bigint[],
  traceparents text[],
  target text,
  durability text
) returns table (place int, kind text, status text)
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
begin
  perform set_config('synchronous_commit', durability, true);
  -- Its caller is gone by then, and the connection is wanted.
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
      when stored.status <> 'awaiting payment' then 'wrong_status'
      when target = 'payed' and stored.due_at <= moment then 'payment_overdue'
      -- The same order earlier in the list has just been changed.
      when asked.turn > 1 then 'unchanged'
      else 'changed'
    end order by asked.place
  ) into kinds
  from (
    select listed.order_id, listed.place,
      row_number() over (partition by listed.order_id order by listed.place) as turn
    from unnest(order_ids) with ordinality listed (order_id, place)
  ) asked
  left join unnest(found_ids, found_statuses, found_due) stored (order_id, status, due_at)
    on stored.order_id = asked.order_id;

  select array_agg(asked.order_id), array_agg(asked.traceparent)
  into changing_ids, changing_traceparents
  from unnest(order_ids, traceparents, kinds) asked (order_id, traceparent, kind)
  where asked.kind = 'changed';

  if changing_ids is not null then
    perform loms_apply_change(changing_ids, changing_traceparents, target);
  elsif found_ids is not null then
    -- Nothing is written, so the commit would not wait until what was read is on the replica.
    perform pg_logical_emit_message(true, 'loms', 'repeated');
  end if;

  return query
  select asked.place::int, asked.kind, stored.status
  from unnest(order_ids, kinds) with ordinality asked (order_id, kind, place)
  left join unnest(found_ids, found_statuses) stored (order_id, status)
    on stored.order_id = asked.order_id
  order by asked.place;
end
$$;
--> statement-breakpoint
-- For a loms from before durability was a parameter: its session says how the commit waits.
create or replace function loms_order_change(
  order_ids bigint[],
  traceparents text[],
  target text
) returns table (place int, kind text, status text)
language sql
as $$
  select changed.place, changed.kind, changed.status
  from loms_order_change_durable(
    order_ids, traceparents, target, current_setting('synchronous_commit')
  ) changed
$$;
--> statement-breakpoint
-- Cancels up to max_orders orders whose payment deadline has passed, and answers how many. An order
-- that another session is just changing is left to the next call.
--
-- A deadline of an order from the future, later than any order of now could have, was made before the
-- clock stepped back. Such an order gets the whole payment_timeout_ms again, from now.
create function loms_expire_orders_durable(
  max_orders int,
  traceparent text,
  payment_timeout_ms bigint,
  durability text
) returns int
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  moment constant timestamptz := clock_timestamp();
  latest_due constant timestamptz := moment + payment_timeout_ms * interval '1 ms';
  due_ids bigint[];
begin
  perform set_config('synchronous_commit', durability, true);
  -- Its caller is gone by then, and the connection is wanted.
  perform set_config('lock_timeout', '10s', true);

  update orders stored
  set payment_due_at = latest_due
  where stored.status = 'awaiting payment' and stored.order_id = any (array(
    select strayed.order_id
    from orders strayed
    where strayed.status = 'awaiting payment' and strayed.payment_due_at > latest_due
      and strayed.created_at > clock_timestamp()
    order by strayed.payment_due_at
    limit max_orders
    for no key update skip locked
  ));

  select array_agg(due.order_id) into due_ids
  from (
    select stored.order_id
    from orders stored
    where stored.status = 'awaiting payment' and stored.payment_due_at <= moment
    order by stored.payment_due_at
    limit max_orders
    for no key update skip locked
  ) due;

  if due_ids is null then
    return 0;
  end if;
  perform loms_apply_change(
    due_ids, array_fill(traceparent, array[cardinality(due_ids)]), 'cancelled'
  );
  return cardinality(due_ids);
end
$$;
--> statement-breakpoint
-- For a loms from before durability was a parameter: its session says how the commit waits.
create or replace function loms_expire_orders(max_orders int, traceparent text) returns int
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  moment constant timestamptz := clock_timestamp();
  due_ids bigint[];
begin
  select array_agg(due.order_id) into due_ids
  from (
    select stored.order_id
    from orders stored
    where stored.status = 'awaiting payment' and stored.payment_due_at <= moment
    order by stored.payment_due_at
    limit max_orders
    for no key update skip locked
  ) due;

  if due_ids is null then
    return 0;
  end if;
  perform loms_apply_change(
    due_ids, array_fill(traceparent, array[cardinality(due_ids)]), 'cancelled'
  );
  return cardinality(due_ids);
end
$$;
