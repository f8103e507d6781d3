-- For a loms that does not pass the durability: the session's setting applies. It does not pass the
-- payment timeout either, so no deadline is corrected after a step of the clock.
create or replace function loms_expire_orders(max_orders int, traceparent text) returns int
language sql
as $$
  select loms_expire_orders_durable(
    max_orders, traceparent, null, current_setting('synchronous_commit')
  )
$$;
