-- Generated from the functions' files by npm run generate.
set local check_function_bodies = off;
--> statement-breakpoint
-- For calls that began before the events were returned.
create or replace function loms_change_orders(
  order_ids bigint[],
  traceparents text[],
  target text,
  change_reason text
) returns void
language sql
as $$
  select count(*) from loms_change_orders_events(order_ids, traceparents, target, change_reason)
$$;
--> statement-breakpoint
-- Changes orders that await payment, locked by the caller, to 'payed' or 'cancelled': releases what
-- they reserved (payed orders take it out of stock) and writes the events. change_reason is null
-- for 'payed'. Returns a row for each event in the outbox, and whether there are stock events.
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
--> statement-breakpoint
-- For a loms whose relay reads every event from the table.
create or replace function loms_expire_orders_durable(
  max_orders int,
  traceparent text,
  payment_timeout_ms bigint,
  durability text
) returns int
language sql
as $$
  select count(*)::int
  from loms_expire_orders_events(max_orders, traceparent, payment_timeout_ms, durability)
$$;
--> statement-breakpoint
-- Cancels up to max_orders orders whose payment deadline has passed, and returns the event of each
-- in the outbox. An order that another session is changing is left to the next call.
--
-- A deadline of an order from the future, later than any order created now could have, dates from
-- before the clock was set back. Such an order gets the whole payment_timeout_ms again, from now;
-- with null no deadline is corrected.
create or replace function loms_expire_orders_events(
  max_orders int,
  traceparent text,
  payment_timeout_ms bigint,
  durability text
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
  moment constant timestamptz := clock_timestamp();
  latest_due constant timestamptz := moment + payment_timeout_ms * interval '1 ms';
  due_ids bigint[];
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
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
    return;
  end if;
  return query
  select written.*
  from loms_change_orders_events(
    due_ids, array_fill(traceparent, array[cardinality(due_ids)]), 'cancelled', 'payment_timeout'
  ) written;
end
$$;
--> statement-breakpoint
-- Changes the status of orders to target, 'payed' or 'cancelled', from one of the statuses in
-- sources. An order that awaits payment has its items reserved: any other source would need a stock
-- rule of its own.
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
--> statement-breakpoint
-- For a loms whose relay reads every event from the table.
create or replace function loms_order_change_from(
  order_ids bigint[],
  traceparents text[],
  target text,
  sources text[],
  durability text
) returns table (place int, kind text, status text)
language sql
as $$
  select changed.place, changed.kind, changed.status
  from loms_order_change_events(order_ids, traceparents, target, sources, durability) changed
$$;
--> statement-breakpoint
-- Creates orders, in the order of the list, each one wholly or not at all.
--
-- users, keys (null: none) and traceparents have one element per order. The lines have four arrays
-- of their own: the place of the order in the list (from 1, ascending), the SKU (ascending within
-- an order, each once), the count and the price of a unit (null: unknown).
--
-- Returns one row per order by place: 'created'; 'short' with the shortage: {"skus": [{"sku",
-- "requested", "available"}], "skus_total"}, at most short_skus_max of them; 'key_reused' when the
-- key belongs to an order with other items or prices. A repeated key gets the first answer again.
-- With an order that is created or short come the ids in the outbox of its two events, and their
-- time. stock_events: whether the call wrote stock events.
--
-- Steps:
--   1. Set the durability and the lock timeout of the transaction.
--   2. Draw an id for each order: new_ids.
--   3. Insert the idempotency keys, and read the order of each key: answer_ids. It differs from the
--      new id if an earlier call, or an earlier place of the list, has the key; such a place is a
--      repeat, and steps 4 to 9 skip it.
--   4. Lock the stock rows of the others by SKU, and read what is available and the time: moment.
--   5. Find the stock row of each line: line_slots.
--   6. In the order of the list, admit each order if all its lines are available, and take them
--      from `available`. Otherwise note its shortage and take nothing.
--   7. Reserve in stocks what was taken.
--   8. Write a stock event for each SKU that sold out.
--   9. Insert the orders, their items, their history and their two events, and note the ids of the
--      events.
--  10. If a place is a repeat, write a message to the write-ahead log, so that the commit
--      waits for the replica.
--  11. Return the outcome of each place. A repeat has the shortage that is stored with its order,
--      or is 'key_reused' if its lines differ from those of the order.
create or replace function loms_order_create_events(
  users bigint[],
  keys text[],
  traceparents text[],
  line_places int[],
  line_skus bigint[],
  line_counts int[],
  line_prices bigint[],
  payment_timeout_ms bigint,
  short_skus_max int,
  durability text
) returns table (
  place int,
  kind text,
  order_id bigint,
  shortage jsonb,
  first_event bigint,
  second_event bigint,
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
  order_total constant int := cardinality(users);
  line_total constant int := cardinality(line_skus);
  moment timestamptz;
  -- One element an order.
  new_ids bigint[];
  answer_ids bigint[];
  statuses text[] := array_fill(null::text, array[cardinality(users)]);
  shortages jsonb[] := array_fill(null::jsonb, array[cardinality(users)]);
  -- One element a stock row, ascending by SKU.
  skus bigint[];
  available_before bigint[];
  available bigint[];
  totals bigint[];
  -- One element a line: where its SKU is in skus, 0 for nowhere.
  line_slots int[];
  line int := 1;
  first_line int;
  in_stock bigint;
  short_skus jsonb;
  short_total int;
  is_stock_written boolean := false;
  -- One element an order that was made.
  made_ids bigint[];
  first_events bigint[];
  second_events bigint[];
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select array_agg(nextval('orders_order_id_seq')) into new_ids
  from generate_series(1, order_total);
  answer_ids := new_ids;

  -- A key that another transaction is inserting makes this insert wait for it. The order of the key
  -- is read by the next statement, which sees what was committed meanwhile.
  if array_remove(keys, null) <> '{}' then
    insert into idempotency_keys (user_id, key, order_id, created_at)
    select distinct on (requested.user_id, requested.key)
      requested.user_id, requested.key, requested.order_id, clock_timestamp()
    from unnest(users, keys, new_ids) with ordinality requested (user_id, key, order_id, place)
    where requested.key is not null
    order by requested.user_id, requested.key, requested.place
    on conflict do nothing;

    select array_agg(
      coalesce(
        (
          select taken.order_id from idempotency_keys taken
          where taken.user_id = requested.user_id and taken.key = requested.key
        ),
        requested.order_id
      ) order by requested.place
    ) into answer_ids
    from unnest(users, keys, new_ids) with ordinality requested (user_id, key, order_id, place);
  end if;

  select
    coalesce(array_agg(locked.sku order by locked.sku), '{}'),
    coalesce(array_agg(locked.available order by locked.sku), '{}'),
    coalesce(array_agg(locked.total_count order by locked.sku), '{}')
  into skus, available_before, totals
  from (
    select stock.sku, greatest(stock.total_count - stock.reserved, 0) as available,
      stock.total_count
    from stocks stock
    where stock.sku = any (array(
      select requested.sku from unnest(line_places, line_skus) requested (place, sku)
      where answer_ids[requested.place] = new_ids[requested.place]
    ))
    order by stock.sku
    for no key update
  ) locked;
  available := available_before;
  moment := date_trunc('milliseconds', clock_timestamp());

  select array_agg(coalesce(slot.number, 0) order by requested.number) into line_slots
  from unnest(line_skus) with ordinality requested (sku, number)
  left join unnest(skus) with ordinality slot (sku, number) on slot.sku = requested.sku;

  for place in 1..order_total loop
    first_line := line;
    short_total := 0;
    short_skus := '[]';
    while line <= line_total and line_places[line] = place loop
      in_stock := case when line_slots[line] = 0 then 0 else available[line_slots[line]] end;
      if in_stock < line_counts[line] then
        short_total := short_total + 1;
        if short_total <= short_skus_max then
          short_skus := short_skus || jsonb_build_object(
            'sku', line_skus[line], 'requested', line_counts[line], 'available', in_stock
          );
        end if;
      end if;
      line := line + 1;
    end loop;

    continue when answer_ids[place] <> new_ids[place];
    if short_total > 0 then
      statuses[place] := 'failed';
      shortages[place] := jsonb_build_object('skus', short_skus, 'skus_total', short_total);
    else
      statuses[place] := 'awaiting payment';
      for taken in first_line..line - 1 loop
        available[line_slots[taken]] := available[line_slots[taken]] - line_counts[taken];
      end loop;
    end if;
  end loop;

  update stocks stock
  set reserved = stock.reserved + taken.available_before - taken.available
  from unnest(skus, available_before, available) taken (sku, available_before, available)
  where stock.sku = taken.sku and stock.sku = any (skus)
    and taken.available < taken.available_before;

  if 0 = any (available) then
    insert into stock_outbox (sku, kind, available, total_count, at, traceparent)
    select taken.sku, 'sold_out', 0, taken.total_count, moment, traceparents[1]
    from unnest(skus, available_before, available, totals)
      taken (sku, available_before, available, total_count)
    where taken.available = 0 and taken.available_before > 0
    order by taken.sku;
    is_stock_written := found;
  end if;

  insert into orders (
    order_id, user_id, status, seq, changed_at, created_at, payment_due_at, shortage, reason
  )
  select made.order_id, made.user_id, made.status, 2, moment, moment,
    case when made.shortage is null then moment + payment_timeout_ms * interval '1 ms' end,
    made.shortage, case when made.shortage is not null then 'out_of_stock' end
  from unnest(new_ids, users, statuses, shortages) made (order_id, user_id, status, shortage)
  where made.status is not null;

  insert into order_items (order_id, sku, count, price)
  select new_ids[item.place], item.sku, item.count, item.price
  from unnest(line_places, line_skus, line_counts, line_prices) item (place, sku, count, price)
  where statuses[item.place] is not null;

  with event as (
    select made.order_id, made.user_id, step.seq, step.status, made.traceparent,
      case when step.status = 'failed' then 'out_of_stock' end as reason
    from unnest(new_ids, users, statuses, traceparents)
      made (order_id, user_id, status, traceparent)
    cross join lateral (values (1, 'new'), (2, made.status)) step (seq, status)
    where made.status is not null
  ), history as (
    insert into order_events (order_id, seq, status, at, traceparent, reason)
    select event.order_id, event.seq, event.status, moment, event.traceparent, event.reason
    from event
  ), written as (
    insert into outbox (order_id, user_id, seq, status, at, traceparent, reason)
    select event.order_id, event.user_id, event.seq, event.status, moment, event.traceparent,
      event.reason
    from event
    order by event.order_id, event.seq
    returning outbox.id, outbox.order_id
  )
  select array_agg(made.order_id), array_agg(made.first_event), array_agg(made.second_event)
  into made_ids, first_events, second_events
  from (
    select written.order_id, min(written.id) as first_event, max(written.id) as second_event
    from written
    group by written.order_id
  ) made;

  -- Without a write, as for a repeated key, the commit would not wait for the replica.
  if answer_ids <> new_ids then
    perform pg_logical_emit_message(true, 'loms', 'repeated');
  end if;

  return query
  select answer.place::int,
    case
      when answer.order_id <> answer.new_id and (
        select array_agg(array[item.sku, item.count, item.price] order by item.sku)
        from order_items item where item.order_id = answer.order_id
      ) is distinct from (
        select array_agg(
          array[requested.sku, requested.count, requested.price] order by requested.sku
        )
        from unnest(line_places, line_skus, line_counts, line_prices)
          requested (place, sku, count, price)
        where requested.place = answer.place
      ) then 'key_reused'
      when outcome.shortage is null then 'created'
      else 'short'
    end,
    answer.order_id,
    outcome.shortage,
    event.first_event,
    event.second_event,
    to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    is_stock_written
  from unnest(answer_ids, new_ids, shortages)
    with ordinality answer (order_id, new_id, shortage, place)
  left join unnest(made_ids, first_events, second_events)
    event (order_id, first_event, second_event) on event.order_id = answer.new_id
  cross join lateral (
    select case
      when answer.order_id = answer.new_id then answer.shortage
      else (select made.shortage from orders made where made.order_id = answer.order_id)
    end as shortage
  ) outcome
  order by answer.place;
end
$$;
--> statement-breakpoint
-- For a loms whose relay reads every event from the table.
create or replace function loms_order_create_priced(
  users bigint[],
  keys text[],
  traceparents text[],
  line_places int[],
  line_skus bigint[],
  line_counts int[],
  line_prices bigint[],
  payment_timeout_ms bigint,
  short_skus_max int,
  durability text
) returns table (place int, kind text, order_id bigint, shortage jsonb)
language sql
as $$
  select made.place, made.kind, made.order_id, made.shortage
  from loms_order_create_events(
    users, keys, traceparents, line_places, line_skus, line_counts, line_prices,
    payment_timeout_ms, short_skus_max, durability
  ) made
$$;
--> statement-breakpoint
-- Deletes rows that were published before the retention, among the oldest max_events rows, and
-- returns how many. It searches no further: rows are published about in the order of their ids. A
-- row with a publication time in the future dates from before the clock was set back, and is
-- deleted as well. The next call begins where nothing is left, below the floor of loms_outbox_hold.
create or replace function loms_outbox_clean(retention_ms bigint, max_events int) returns int
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  published_before constant timestamptz :=
    clock_timestamp() - retention_ms * interval '1 ms';
  lease outbox_lease;
  old_ids bigint[];
  first_left bigint;
  deleted int;
begin
  perform set_config('synchronous_commit', 'local', true);
  perform set_config('lock_timeout', '10s', true);

  select stored.* into lease from outbox_lease stored where stored.only_row;
  select array_agg(oldest.id) filter (where oldest.is_old),
    coalesce(min(oldest.id) filter (where not oldest.is_old), max(oldest.id) + 1)
  into old_ids, first_left
  from (
    select stored.id,
      coalesce(
        stored.published_at < published_before or stored.published_at > clock_timestamp(), false
      ) as is_old
    from outbox stored
    where stored.id >= lease.cleaned_to
    order by stored.id
    limit max_events
  ) oldest;

  delete from outbox stored where stored.id = any (old_ids);
  get diagnostics deleted = row_count;
  if deleted > 0 then
    update outbox_lease stored
    set cleaned_to = greatest(stored.cleaned_to, least(lease.floor, first_left))
    where stored.only_row;
  end if;
  return deleted;
end
$$;
--> statement-breakpoint
-- Takes the lease, keeps it, or finds it held by another relay, and then notes that it waits.
-- A call that has nothing to note writes nothing: the lease is renewed once a third of it is over,
-- or when many ids were drawn, since the floor rises with renewals.
--
-- The floor: ids become visible out of order, yet every transaction has its xid before it draws an
-- id (loms_xid_before_id). So those that drew an id up to `drawn`, read before this transaction got
-- the xid `drawn_xid`, have lower xids, and are over once the oldest running xid is no lower. What
-- they wrote is visible then, and no id below the lowest one that waits ever will wait.
create or replace function loms_outbox_hold(relay uuid, lease_ms int)
returns table (held boolean, awaited boolean, floor bigint)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  lease_length constant interval := lease_ms * interval '1 ms';
  -- A lease that ends even later was taken before the clock was set back. Older releases take 10 s.
  longest constant interval := greatest(lease_length, interval '10 s');
  -- So many published events at most are passed over by each read.
  renewal_ids constant int := 2000;
  lease outbox_lease;
  moment timestamptz;
  newest bigint;
  snapshot pg_snapshot;
  is_settled boolean;
  is_awaited boolean;
  lowest bigint;
begin
  select stored.* into lease from outbox_lease stored where stored.only_row;
  moment := clock_timestamp();
  is_awaited := lease.awaited_until > moment
    and lease.awaited_until <= moment + interval '2 s';

  if lease.holder is distinct from relay
    and lease.until > moment and lease.until <= moment + longest
  then
    if not is_awaited or lease.awaited_until <= moment + interval '1 s' then
      -- The holder sees it, or the next try notes it again.
      perform set_config('synchronous_commit', 'local', true);
      update outbox_lease stored set awaited_until = moment + interval '2 s'
      where stored.only_row and exists (
        select from outbox_lease free where free.only_row for no key update skip locked
      );
    end if;
    return query select false, is_awaited, null::bigint;
    return;
  end if;

  newest := coalesce(pg_sequence_last_value('outbox_id_seq'), 0);
  if newest < greatest(lease.floor - 1, lease.drawn) then
    -- The sequence was set back.
    lease.floor := 1;
    lease.drawn := 0;
  end if;
  snapshot := pg_current_snapshot();
  if lease.drawn_xid >= pg_snapshot_xmax(snapshot)::text::bigint then
    -- The database was copied from a server that had used more xids.
    lease.drawn := 0;
    lease.drawn_xid := 0;
  end if;
  is_settled := lease.drawn_xid <= pg_snapshot_xmin(snapshot)::text::bigint;
  if lease.holder = relay
    and lease.until > moment + lease_length * 2 / 3 and lease.until <= moment + longest
    and not (is_settled and newest > lease.drawn + renewal_ids)
  then
    return query select true, is_awaited, lease.floor;
    return;
  end if;

  if is_settled then
    select waiting.id into lowest
    from outbox waiting
    where waiting.published_at is null and waiting.id >= lease.floor
    order by waiting.id
    limit 1;
    lease.floor := greatest(lease.floor, least(lease.drawn + 1, coalesce(lowest, newest + 1)));
    lease.drawn := newest;
    lease.drawn_xid := pg_current_xact_id()::text::bigint;
  end if;
  -- The clock is read once the row is locked. only_row finds the row by its key: the planner would
  -- rate a scan of the table at 10^10.
  update outbox_lease stored
  set holder = relay, until = clock_timestamp() + lease_length,
    floor = lease.floor, drawn = lease.drawn, drawn_xid = lease.drawn_xid,
    cleaned_to = least(stored.cleaned_to, lease.floor)
  where stored.only_row and (
    stored.holder = relay or stored.until <= clock_timestamp()
    or stored.until > clock_timestamp() + longest
  );
  return query select found, is_awaited, lease.floor;
end
$$;
--> statement-breakpoint
-- Takes or keeps the lease as loms_outbox_hold does, and reads the oldest events that wait and are
-- not in known_ids. A call that returns events commits something, and its commit waits for the
-- replica: what it read was committed before, so no event is published that the loss of the primary
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
--> statement-breakpoint
-- For a loms whose relay has the lease only while events wait: as loms_outbox_read, which takes the
-- lease in any case. Returns one row per event, state 'taken'; or a single row with state
-- 'drained', or 'elsewhere' while another relay has the lease.
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
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find no event, and write nothing.
  if exists (
    select from outbox waiting
    where waiting.published_at is null
      and waiting.id >= (select lease.floor from outbox_lease lease where lease.only_row)
  ) then
    return query
    select found.state, found.id, found.order_id, found.user_id, found.seq, found.status, found.at,
      found.traceparent, found.refused_before, found.reason
    from loms_outbox_read(relay, lease_ms, '{}', max_events, durability) found;
  else
    state := 'drained';
    return next;
  end if;
end
$$;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
-- Takes the lease, keeps it, or finds it held by another relay, and then notes that it waits.
-- A call that has nothing to note writes nothing: the lease is renewed once a third of it is over,
-- or when many ids were drawn, since the floor rises with renewals.
--
-- The floor: ids become visible out of order, yet every transaction has its xid before it draws an
-- id (loms_xid_before_id). So those that drew an id up to `drawn`, read before this transaction got
-- the xid `drawn_xid`, have lower xids, and are over once the oldest running xid is no lower. What
-- they wrote is visible then, and no id below the lowest one that waits ever will wait.
create or replace function loms_stock_outbox_hold(relay uuid, lease_ms int)
returns table (held boolean, awaited boolean, floor bigint)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  lease_length constant interval := lease_ms * interval '1 ms';
  -- A lease that ends even later was taken before the clock was set back. Older releases take 10 s.
  longest constant interval := greatest(lease_length, interval '10 s');
  -- So many published events at most are passed over by each read.
  renewal_ids constant int := 2000;
  lease stock_outbox_lease;
  moment timestamptz;
  newest bigint;
  snapshot pg_snapshot;
  is_settled boolean;
  is_awaited boolean;
  lowest bigint;
begin
  select stored.* into lease from stock_outbox_lease stored where stored.only_row;
  moment := clock_timestamp();
  is_awaited := lease.awaited_until > moment
    and lease.awaited_until <= moment + interval '2 s';

  if lease.holder is distinct from relay
    and lease.until > moment and lease.until <= moment + longest
  then
    if not is_awaited or lease.awaited_until <= moment + interval '1 s' then
      -- The holder sees it, or the next try notes it again.
      perform set_config('synchronous_commit', 'local', true);
      update stock_outbox_lease stored set awaited_until = moment + interval '2 s'
      where stored.only_row and exists (
        select from stock_outbox_lease free where free.only_row for no key update skip locked
      );
    end if;
    return query select false, is_awaited, null::bigint;
    return;
  end if;

  newest := coalesce(pg_sequence_last_value('stock_outbox_id_seq'), 0);
  if newest < greatest(lease.floor - 1, lease.drawn) then
    -- The sequence was set back.
    lease.floor := 1;
    lease.drawn := 0;
  end if;
  snapshot := pg_current_snapshot();
  if lease.drawn_xid >= pg_snapshot_xmax(snapshot)::text::bigint then
    -- The database was copied from a server that had used more xids.
    lease.drawn := 0;
    lease.drawn_xid := 0;
  end if;
  is_settled := lease.drawn_xid <= pg_snapshot_xmin(snapshot)::text::bigint;
  if lease.holder = relay
    and lease.until > moment + lease_length * 2 / 3 and lease.until <= moment + longest
    and not (is_settled and newest > lease.drawn + renewal_ids)
  then
    return query select true, is_awaited, lease.floor;
    return;
  end if;

  if is_settled then
    select waiting.id into lowest
    from stock_outbox waiting
    where waiting.published_at is null and waiting.id >= lease.floor
    order by waiting.id
    limit 1;
    lease.floor := greatest(lease.floor, least(lease.drawn + 1, coalesce(lowest, newest + 1)));
    lease.drawn := newest;
    lease.drawn_xid := pg_current_xact_id()::text::bigint;
  end if;
  -- The clock is read once the row is locked. only_row finds the row by its key: the planner would
  -- rate a scan of the table at 10^10.
  update stock_outbox_lease stored
  set holder = relay, until = clock_timestamp() + lease_length,
    floor = lease.floor, drawn = lease.drawn, drawn_xid = lease.drawn_xid,
    cleaned_to = least(stored.cleaned_to, lease.floor)
  where stored.only_row and (
    stored.holder = relay or stored.until <= clock_timestamp()
    or stored.until > clock_timestamp() + longest
  );
  return query select found, is_awaited, lease.floor;
end
$$;
--> statement-breakpoint
-- Deletes rows that were published before the retention, among the oldest max_events rows, and
-- returns how many. It searches no further: rows are published about in the order of their ids. A
-- row with a publication time in the future dates from before the clock was set back, and is
-- deleted as well. The next call begins where nothing is left, below the floor of loms_stock_outbox_hold.
create or replace function loms_stock_outbox_clean(retention_ms bigint, max_events int) returns int
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  published_before constant timestamptz :=
    clock_timestamp() - retention_ms * interval '1 ms';
  lease stock_outbox_lease;
  old_ids bigint[];
  first_left bigint;
  deleted int;
begin
  perform set_config('synchronous_commit', 'local', true);
  perform set_config('lock_timeout', '10s', true);

  select stored.* into lease from stock_outbox_lease stored where stored.only_row;
  select array_agg(oldest.id) filter (where oldest.is_old),
    coalesce(min(oldest.id) filter (where not oldest.is_old), max(oldest.id) + 1)
  into old_ids, first_left
  from (
    select stored.id,
      coalesce(
        stored.published_at < published_before or stored.published_at > clock_timestamp(), false
      ) as is_old
    from stock_outbox stored
    where stored.id >= lease.cleaned_to
    order by stored.id
    limit max_events
  ) oldest;

  delete from stock_outbox stored where stored.id = any (old_ids);
  get diagnostics deleted = row_count;
  if deleted > 0 then
    update stock_outbox_lease stored
    set cleaned_to = greatest(stored.cleaned_to, least(lease.floor, first_left))
    where stored.only_row;
  end if;
  return deleted;
end
$$;
