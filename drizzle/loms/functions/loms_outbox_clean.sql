-- Deletes rows that were published before the retention, among the oldest max_events rows, and
-- returns their number. It searches no further, because rows are published roughly in the order of
-- their ids. A publication time in the future dates from before the clock was set back; such a row
-- is deleted as well. The next call begins at the oldest row left, below the floor of
-- loms_outbox_hold.
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
