-- Takes or renews the lease and reads the oldest events that wait, in one transaction: its commit
-- waits for the replica, and what it read was committed before, so no event is published that the
-- loss of the primary could undo.
--
-- One row an event, state 'taken'; or a single row that says why there is none: state 'drained', or
-- 'elsewhere' while another relay has the lease.
create function loms_outbox_take_durable(
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
  -- Its caller is gone by then, and the connection is wanted.
  perform set_config('lock_timeout', '10s', true);

  -- Most calls find nothing, and write nothing.
  if exists (select from outbox waiting where waiting.published_at is null) then
    -- A lease that ends later than one of now was taken before the clock stepped back. The clock is
    -- read for the row as it is once it is locked. only_row finds the row by its key: a scan of the
    -- table would cost 10^10 by the plan.
    update outbox_lease lease
    set holder = relay, until = clock_timestamp() + lease_length
    where lease.only_row and (
      lease.holder = relay or lease.until <= clock_timestamp()
      or lease.until > clock_timestamp() + lease_length
    );
    if not found then
      return query select 'elsewhere', null::bigint, null::bigint, null::bigint, null::int,
        null::text, null::text, null::text;
      return;
    end if;

    return query
    select 'taken', waiting.id, waiting.order_id, waiting.user_id, waiting.seq::int,
      waiting.status,
      to_char(waiting.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      waiting.traceparent
    from outbox waiting
    where waiting.published_at is null
    order by waiting.published_at, waiting.id
    limit max_events;
    if found then
      return;
    end if;
  end if;
  return query select 'drained', null::bigint, null::bigint, null::bigint, null::int,
    null::text, null::text, null::text;
end
$$;
--> statement-breakpoint
-- For a loms from before durability was a parameter: its session says how the commit waits.
create or replace function loms_outbox_take(relay uuid, lease_ms int, max_events int)
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
  from loms_outbox_take_durable(
    relay, lease_ms, max_events, current_setting('synchronous_commit')
  ) taken
$$;
--> statement-breakpoint
-- Marks what the bus took. With release it gives the lease back, if the relay still has it.
--
-- Its commit waits for no replica: a lost mark is a repeated event, and one that is on the replica
-- has there, before it in the log, what the bus took.
create or replace function loms_outbox_mark(
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

  update outbox published
  set published_at = clock_timestamp()
  where published.id = any (event_ids) and published.published_at is null;

  if release then
    update outbox_lease lease set until = '-infinity'
    where lease.only_row and lease.holder = relay;
  end if;
end
$$;
--> statement-breakpoint
-- Deletes rows that were published longer ago than the retention, among the oldest max_events rows,
-- and answers how many. It looks no further: rows are published about in the order of their ids. A
-- row that was published in the future is older than the clock's last step back, and goes, too.
create or replace function loms_outbox_clean(retention_ms bigint, max_events int) returns int
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
    select stored.id, stored.published_at from outbox stored order by stored.id limit max_events
  ) oldest
  where oldest.published_at < published_before
    or oldest.published_at > clock_timestamp();

  delete from outbox stored where stored.id = any (old_ids);
  get diagnostics deleted = row_count;
  return deleted;
end
$$;
