-- The first movement of each SKU: what is there now and what was sold before. The lock keeps orders
-- and payments from changing either meanwhile; reads go on.
--
-- With a recent draft the lock lasts for a moment: the draft has what was sold by then, and the
-- outbox has the payments of the last ten minutes. An event that was put back into the outbox
-- belongs to an older payment. Without a recent draft all orders are read under the lock.
do $$
declare
  drafted timestamptz;
  later_ids bigint[];
  sold_skus bigint[];
  sold_counts bigint[];
begin
  lock table stocks in exclusive mode;
  if to_regclass('stock_opening_draft') is not null then
    select min(draft.drafted_at) into drafted from stock_opening_draft draft;
  end if;

  if clock_timestamp() between drafted and drafted + interval '5 min' then
    later_ids := array(
      select event.order_id from outbox event where event.status = 'payed'
      except
      select draft.order_id from stock_opening_draft draft
    );
    select array_agg(sold.sku), array_agg(sold.count) into sold_skus, sold_counts
    from (
      select draft.sku, draft.sold as count from stock_opening_draft draft
      where draft.sku is not null
      union all
      select item.sku, item.count
      from orders payed
      join order_items item on item.order_id = payed.order_id
      where payed.order_id = any (later_ids) and payed.status = 'payed'
        and payed.changed_at >= drafted - interval '5 min'
    ) sold;
  else
    select array_agg(sold.sku), array_agg(sold.count) into sold_skus, sold_counts
    from (
      select item.sku, sum(item.count)::bigint as count
      from orders payed
      join order_items item on item.order_id = payed.order_id
      where payed.status = 'payed'
      group by item.sku
    ) sold;
  end if;

  insert into stock_movements (sku, kind, count, total_count, reason, reference, at)
  select stock.sku, 'opening', stock.total_count + coalesce(sum(sold.count), 0), stock.total_count,
    'opening balance', 'opening', date_trunc('milliseconds', clock_timestamp())
  from stocks stock
  left join unnest(sold_skus, sold_counts) sold (sku, count) on sold.sku = stock.sku
  group by stock.sku
  order by stock.sku;

  drop table if exists stock_opening_draft;
end
$$;
