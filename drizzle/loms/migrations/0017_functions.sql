-- Generated from the functions' files by npm run generate.
set local check_function_bodies = off;
--> statement-breakpoint
-- Takes the lease, keeps it, or finds it held by another relay, and then notes that somebody waits.
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
  is_settled := lease.drawn_xid <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
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
    floor = lease.floor, drawn = lease.drawn, drawn_xid = lease.drawn_xid
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
  floor bigint;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select lease.floor into floor from outbox_lease lease where lease.only_row;
  -- Most calls find no event, and write nothing.
  if exists (
    select from outbox waiting where waiting.published_at is null and waiting.id >= floor
  ) then
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
    where waiting.published_at is null and waiting.id >= floor
    order by waiting.id
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
-- As loms_outbox_hold, of the stock events.
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
  is_settled := lease.drawn_xid <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
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
    floor = lease.floor, drawn = lease.drawn, drawn_xid = lease.drawn_xid
  where stored.only_row and (
    stored.holder = relay or stored.until <= clock_timestamp()
    or stored.until > clock_timestamp() + longest
  );
  return query select found, is_awaited, lease.floor;
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
  floor bigint;
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  select lease.floor into floor from stock_outbox_lease lease where lease.only_row;
  -- Most calls find no event, and write nothing.
  if exists (
    select from stock_outbox waiting where waiting.published_at is null and waiting.id >= floor
  ) then
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
    where waiting.published_at is null and waiting.id >= floor
    order by waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::text, null::bigint,
    null::bigint, null::text, null::text;
end
$$;
