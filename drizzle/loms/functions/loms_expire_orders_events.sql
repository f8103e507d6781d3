-- Cancels up to max_orders orders whose payment deadline has passed, and returns the event of each
-- in the outbox. An order that another session is changing is left to the next call.
--
-- If the deadline of an order is later than that of an order created now, the clock was set back
-- after the order was created. Such an order gets the full payment_timeout_ms from now; with null
-- no deadline is corrected.
create or replace function loms_expire_orders_events(
  max_orders int,
  traceparent text,
  payment_timeout_ms bigint,
  durability text
) returns table (
  event_id bigint,
  order_id bigint,
  user_id bigint,
  seq int,
  at text,
  stock_events boolean
)
language plpgsql
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  latest_due constant timestamptz := moment + payment_timeout_ms * interval '1 ms';
  due_ids bigint[];
begin
  perform set_config('synchronous_commit', durability, true);
  -- By then the caller has given up, and other calls need the connection.
  perform set_config('lock_timeout', '10s', true);

  update orders stored
  set payment_due_at = latest_due
  where stored.status = 'awaiting payment' and stored.order_id = any (array(
    select strayed.order_id
    from orders strayed
    where strayed.status = 'awaiting payment' and strayed.payment_due_at > latest_due
      and strayed.created_at > clock_timestamp()
    order by strayed.payment_due_at
    limit max_orders
    for no key update skip locked
  ));

  select array_agg(due.order_id) into due_ids
  from (
    select stored.order_id
    from orders stored
    where stored.status = 'awaiting payment' and stored.payment_due_at <= moment
    order by stored.payment_due_at
    limit max_orders
    for no key update skip locked
  ) due;

  if due_ids is null then
    return;
  end if;
  return query
  select written.*
  from loms_change_orders_events(
    due_ids, array_fill(traceparent, array[cardinality(due_ids)]), 'cancelled', 'payment_timeout'
  ) written;
end
$$;
