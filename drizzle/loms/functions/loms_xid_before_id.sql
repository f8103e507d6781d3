-- Trigger of the outboxes: the transaction has its xid before it draws an id. By itself an insert
-- gets it afterwards, and the floor of loms_outbox_hold could pass an id that is not committed yet.
create or replace function loms_xid_before_id() returns trigger
language plpgsql
set jit = off
as $$
begin
  perform pg_current_xact_id();
  return null;
end
$$;
