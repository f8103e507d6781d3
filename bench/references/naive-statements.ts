/** A traceparent for events. */
export const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** The transaction of one order; lines and events have a statement each. */
export const STATEMENTS = {
  reserve: `update stocks set reserved = reserved + $2
    where sku = $1 and total_count - reserved >= $2 returning sku`,
  order: `insert into orders (user_id, status, seq, changed_at, created_at, payment_due_at)
    values ($1, 'awaiting payment', 2, now(), now(), now() + interval '1 day') returning order_id`,
  item: "insert into order_items (order_id, sku, count, price) values ($1, $2, $3, 100)",
  event: `insert into order_events (order_id, seq, status, at, traceparent)
    values ($1, $2, $3, now(), '${TRACEPARENT}')`,
  outbox: `insert into outbox (order_id, user_id, seq, status, at, traceparent)
    values ($1, $2, $3, $4, now(), '${TRACEPARENT}')`,
} as const;

function filled(text: string, ...values: readonly string[]): string {
  return `${text.replaceAll(/\$(\d)/g, (_, place: string) => values[Number(place) - 1] ?? "")};`;
}

/** The same transaction for pgbench: one line for each SKU, which are ascending. */
export function naiveScript(settings: readonly string[], skus: readonly string[]): string {
  const reserve = skus.map((sku) => filled(STATEMENTS.reserve, sku, "1"));
  const items = skus.map((sku) => filled(STATEMENTS.item, ":order_id", sku, "1"));
  const events = [[1, "new"], [2, "awaiting payment"]].flatMap(([seq, status]) => [
    filled(STATEMENTS.event, ":order_id", `${seq}`, `'${status}'`),
    filled(STATEMENTS.outbox, ":order_id", "7", `${seq}`, `'${status}'`),
  ]);
  const order = filled(STATEMENTS.order, "7").replace(/;$/, " \\gset");
  return [...settings, "begin;", ...reserve, order, ...items, ...events, "commit;", ""].join("\n");
}

/** Many orders of three lines in one call of the function that loms calls, for pgbench. */
export function batchScript(orders: number, skus: number): string {
  const third = Math.floor(skus / 3);
  const fill = (value: string) => `array_fill(${value}, array[${orders}])`;
  return `with lines as (
    select place, 1 + floor(random() * ${third})::bigint + ${third} * line as sku
    from generate_series(1, ${orders}) place cross join generate_series(0, 2) line
  ), arrays as (
    select array_agg(place order by place, sku)::int[] places,
      array_agg(sku order by place, sku) skus,
      array_fill(1, array[${3 * orders}]) counts,
      array_fill(100::bigint, array[${3 * orders}]) prices
    from lines
  )
  select count(*) from arrays, loms_order_create_priced(
    ${fill("7::bigint")}, ${fill("null::text")}, ${fill(`'${TRACEPARENT}'::text`)},
    places, skus, counts, prices, 86400000, 20, 'remote_apply');
`.replaceAll(/\n\s*/g, " ");
}
