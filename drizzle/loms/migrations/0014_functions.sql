-- Generated from the functions' files by npm run generate.
set local check_function_bodies = off;
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
