-- Generated from the functions' files by npm run generate.
set local check_function_bodies = off;
--> statement-breakpoint
-- For calls that began before the reason of a change was stored.
create or replace function loms_apply_change(
  order_ids bigint[],
  traceparents text[],
  target text
) returns void
language sql
as $$
  select loms_change_orders(order_ids, traceparents, target, null)
$$;
--> statement-breakpoint
-- Changes orders that await payment, locked by the caller, to 'payed' or 'cancelled': releases what
-- they reserved (payed orders take it out of stock) and writes the events. change_reason is null
-- for 'payed'.
create or replace function loms_change_orders(
  order_ids bigint[],
  traceparents text[],
  target text,
  change_reason text
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
  order by event.order_id;
end
$$;
--> statement-breakpoint
-- Cancels up to max_orders orders whose payment deadline has passed, and returns how many. An order
-- that another session is changing is left to the next call.
--
-- A deadline of an order from the future, later than any order created now could have, dates from
-- before the clock was set back. Such an order gets the whole payment_timeout_ms again, from now;
-- with null no deadline is corrected.
create or replace function loms_expire_orders_durable(
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
    return 0;
  end if;
  perform loms_change_orders(
    due_ids, array_fill(traceparent, array[cardinality(due_ids)]), 'cancelled', 'payment_timeout'
  );
  return cardinality(due_ids);
end
$$;
--> statement-breakpoint
-- Changes the status of orders to target, 'payed' or 'cancelled', from one of the statuses in
-- sources. An order that awaits payment has its items reserved: any other source would need a stock
-- rule of its own.
--
-- Returns one row per order by place, from 1: 'changed'; 'unchanged', for an order that already has
-- that status; 'not_found'; 'wrong_status' with the order's status; 'payment_overdue'. A payment
-- that is refused because the order is cancelled or overdue is recorded in late_payments.
create or replace function loms_order_change_from(
  order_ids bigint[],
  traceparents text[],
  target text,
  sources text[],
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
  late boolean := false;
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
    perform loms_change_orders(
      changing_ids, changing_traceparents, target,
      case when target = 'cancelled' then 'buyer' end
    );
  elsif found_ids is not null and not late then
    -- Without a write the commit would not wait until the replica has what was read.
    perform pg_logical_emit_message(true, 'loms', 'repeated');
  end if;

  return query
  select requested.place::int, requested.kind, stored.status
  from unnest(order_ids, kinds) with ordinality requested (order_id, kind, place)
  left join unnest(found_ids, found_statuses) stored (order_id, status)
    on stored.order_id = requested.order_id
  order by requested.place;
end
$$;
--> statement-breakpoint
-- For a loms that sends no prices.
create or replace function loms_order_create_durable(
  users bigint[],
  keys text[],
  traceparents text[],
  line_places int[],
  line_skus bigint[],
  line_counts int[],
  payment_timeout_ms bigint,
  short_skus_max int,
  durability text
) returns table (place int, kind text, order_id bigint, shortage jsonb)
language sql
as $$
  select made.place, made.kind, made.order_id, made.shortage
  from loms_order_create_priced(
    users, keys, traceparents, line_places, line_skus, line_counts,
    array_fill(null::bigint, array[cardinality(line_skus)]), payment_timeout_ms, short_skus_max,
    durability
  ) made
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
  )
  insert into outbox (order_id, user_id, seq, status, at, traceparent, reason)
  select event.order_id, event.user_id, event.seq, event.status, moment, event.traceparent,
    event.reason
  from event
  order by event.order_id, event.seq;

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
    outcome.shortage
  from unnest(answer_ids, new_ids, shortages)
    with ordinality answer (order_id, new_id, shortage, place)
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
-- For a loms whose events have no reason.
create or replace function loms_outbox_take_events(
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
  refused_before text
)
language sql
as $$
  select taken.state, taken.id, taken.order_id, taken.user_id, taken.seq, taken.status, taken.at,
    taken.traceparent, taken.refused_before
  from loms_outbox_take_reasons(relay, lease_ms, max_events, durability) taken
$$;
--> statement-breakpoint
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
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find no event, and write nothing.
  if exists (select from outbox waiting where waiting.published_at is null) then
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
    where waiting.published_at is null
    order by waiting.published_at, waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::bigint, null::int,
    null::text, null::text, null::text, null::text, null::text;
end
$$;
--> statement-breakpoint
-- Receives units or sets what was counted, all lines or none. The SKUs are ascending, each once;
-- change_counts has the units to add (kind 'received') or the totals ('counted').
--
-- Returns one row per SKU, ascending: 'changed' with its stock. When a line is refused, one row per
-- refused line, and nothing is changed: 'below_reserved' with the requested total and what is
-- reserved; 'above_maximum' with the total that is there. Or a single row 'reference_reused',
-- when the reference belongs to a change with other contents. A repeated reference gets the first
-- answer again.
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
--> statement-breakpoint
-- Deletes rows that were published before the retention, among the oldest max_events rows, and
-- returns how many. It searches no further: rows are published about in the order of their ids. A
-- row with a publication time in the future dates from before the clock was set back, and is
-- deleted as well.
create or replace function loms_stock_outbox_clean(
  retention_ms bigint,
  max_events int
) returns int
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  published_before constant timestamptz :=
    clock_timestamp() - retention_ms * interval '1 ms';
  old_ids bigint[];
  deleted int;
begin
  perform set_config('synchronous_commit', 'local', true);
  perform set_config('lock_timeout', '10s', true);

  select array_agg(oldest.id) into old_ids
  from (
    select stored.id, stored.published_at
    from stock_outbox stored
    order by stored.id
    limit max_events
  ) oldest
  where oldest.published_at < published_before
    or oldest.published_at > clock_timestamp();

  delete from stock_outbox stored where stored.id = any (old_ids);
  get diagnostics deleted = row_count;
  return deleted;
end
$$;
--> statement-breakpoint
-- Marks stock events as published. With release it releases the lease, if the relay still has it.
--
-- Its commit does not wait for a replica: a lost mark means a repeated event, and a mark on the
-- replica follows the event in its log.
create or replace function loms_stock_outbox_mark(
  relay uuid,
  event_ids bigint[],
  release boolean
) returns void
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
begin
  perform set_config('synchronous_commit', 'local', true);
  perform set_config('lock_timeout', '10s', true);

  update stock_outbox published
  set published_at = clock_timestamp()
  where published.id = any (event_ids) and published.published_at is null;

  if release then
    update stock_outbox_lease lease set until = '-infinity'
    where lease.only_row and lease.holder = relay;
  end if;
end
$$;
--> statement-breakpoint
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
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find no event, and write nothing.
  if exists (select from stock_outbox waiting where waiting.published_at is null) then
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
    where waiting.published_at is null
    order by waiting.published_at, waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::text, null::bigint,
    null::bigint, null::text, null::text;
end
$$;
