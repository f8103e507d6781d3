-- Generated from the functions' files by npm run generate.
set local check_function_bodies = off;
--> statement-breakpoint
-- For a loms that does not pass the durability: the session's setting applies. It does not pass the
-- payment timeout either, so no deadline is corrected after a step of the clock.
create or replace function loms_expire_orders(max_orders int, traceparent text) returns int
language sql
as $$
  select loms_expire_orders_durable(
    max_orders, traceparent, null, current_setting('synchronous_commit')
  )
$$;
--> statement-breakpoint
-- For a loms that does not pass the source statuses.
create or replace function loms_order_change_durable(
  order_ids bigint[],
  traceparents text[],
  target text,
  durability text
) returns table (place int, kind text, status text)
language sql
as $$
  select changed.place, changed.kind, changed.status
  from loms_order_change_from(
    order_ids, traceparents, target, array['awaiting payment'], durability
  ) changed
$$;
--> statement-breakpoint
-- Changes the status of orders to target, 'payed' or 'cancelled', from one of the statuses in
-- sources. An order that awaits payment has its items reserved: any other source would need a stock
-- rule of its own.
--
-- Returns one row per order by place, from 1: 'changed'; 'unchanged', for an order that already has
-- that status; 'not_found'; 'wrong_status' with the order's status; 'payment_overdue'.
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
    -- Without a write the commit would not wait until the replica has what was read.
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
-- For a loms that reads the refused events separately.
create or replace function loms_outbox_take_durable(
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
  traceparent text
)
language sql
as $$
  select taken.state, taken.id, taken.order_id, taken.user_id, taken.seq, taken.status, taken.at,
    taken.traceparent
  from loms_outbox_take_events(relay, lease_ms, max_events, durability) taken
$$;
--> statement-breakpoint
-- Takes or renews the lease and reads the oldest events that wait, in one transaction: its commit
-- waits for the replica, and what it read was committed before, so no event is published that the
-- loss of the primary could undo.
--
-- Returns one row per event, state 'taken'; or a single row with state 'drained', or 'elsewhere'
-- while another relay has the lease. refused_before lists the ids of the order's earlier events that
-- the bus refused; one statement reads both, so that no refusal is missed.
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
    -- A lease that ends later than a new one would was taken before the clock was set back. The clock
    -- is read once the row is locked. only_row finds the row by its key: the planner would rate a
    -- scan of the table at 10^10.
    update outbox_lease lease
    set holder = relay, until = clock_timestamp() + lease_length
    where lease.only_row and (
      lease.holder = relay or lease.until <= clock_timestamp()
      or lease.until > clock_timestamp() + lease_length
    );
    if not found then
      return query select 'elsewhere', null::bigint, null::bigint, null::bigint, null::int,
        null::text, null::text, null::text, null::text;
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
      )
    from outbox waiting
    where waiting.published_at is null
    order by waiting.published_at, waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::bigint, null::int,
    null::text, null::text, null::text, null::text;
end
$$;
