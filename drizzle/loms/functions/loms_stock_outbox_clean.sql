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
