-- Creates orders, in the order of the list, each one as a whole or not at all.
--
-- users, keys (null: none) and traceparents have one element per order. The lines are in four
-- separate arrays: the place of the order in the list (from 1, ascending), the SKU (ascending
-- within an order, each once), the count and the price of a unit (null: unknown).
--
-- Returns one row per order by place: 'created'; 'short' with the shortage: {"skus": [{"sku",
-- "requested", "available"}], "skus_total"}, at most short_skus_max of them; 'key_reused' when the
-- key belongs to an order with other items or prices. A repeated key gets the first answer again.
-- A created or short order has the outbox ids of its two events, and their time. stock_events:
-- whether the call wrote stock events.
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
