-- What was sold, as one snapshot has it, and which payments of that snapshot are still in the
-- outbox: with both the migration finds the payments that came later.
drop table if exists stock_opening_draft;
--> statement-breakpoint
create table stock_opening_draft as
select item.sku, sum(item.count)::bigint as sold, null::bigint as order_id,
  statement_timestamp() as drafted_at
from orders payed
join order_items item on item.order_id = payed.order_id
where payed.status = 'payed'
group by item.sku
union all
select null, null, event.order_id, statement_timestamp()
from outbox event
where event.status = 'payed'
union all
-- A row in any case, for the time.
select null, null, null, statement_timestamp();
