-- Marks events as published. With release it releases the lease, if the relay still has it.
--
-- Its commit does not wait for a replica: a lost mark means a repeated event, and the replica
-- replays an event before its mark.
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
