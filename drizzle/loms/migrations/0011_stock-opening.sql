-- The first movement of each SKU: what is there now and what was sold before. The lock keeps orders
-- and payments from changing either meanwhile; reads go on.
lock table stocks in exclusive mode;
--> statement-breakpoint
insert into stock_movements (sku, kind, count, total_count, reason, reference, at)
select stock.sku, 'opening', stock.total_count + coalesce(sold.count, 0), stock.total_count,
  'opening balance', 'opening', date_trunc('milliseconds', clock_timestamp())
from stocks stock
left join (
  select item.sku, sum(item.count)::bigint as count
  from orders payed
  join order_items item on item.order_id = payed.order_id
  where payed.status = 'payed'
  group by item.sku
) sold on sold.sku = stock.sku
order by stock.sku;
