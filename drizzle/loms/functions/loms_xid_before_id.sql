-- Trigger of the outboxes that gives the transaction its xid before it draws an id. Without it an
-- insert gets the xid afterwards, and the floor of loms_outbox_hold could pass an uncommitted id.
create or replace function loms_xid_before_id() returns trigger
language plpgsql
set jit = off
as $$
begin
  perform pg_current_xact_id();
  return null;
end
$$;
