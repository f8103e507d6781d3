-- Takes or keeps the lease, or finds it held by another relay, and then records that this relay
-- waits. Most calls write nothing: the lease is renewed once a third of it has passed, or when many
-- ids were drawn, because the floor rises with renewals.
--
-- The floor: ids become visible out of order, but every transaction has its xid before it draws an
-- id (loms_xid_before_id). So transactions that drew an id up to `drawn`, read before this
-- transaction got the xid `drawn_xid`, have lower xids, and have ended once the oldest running xid
-- is not lower. Their rows are then visible, and no id below the lowest waiting one will ever
-- appear.
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
