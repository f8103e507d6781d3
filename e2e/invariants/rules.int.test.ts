import { afterAll, beforeAll, expect, test } from "vitest";
import { checkDeadlines } from "./deadlines.ts";
import { checkKeys } from "./keys.ts";
import { checkOutbox } from "./outbox.ts";
import { checkPaths } from "./paths.ts";
import { checkRows } from "./rows.ts";
import { openShopFixture, REFERENCE, type ShopFixture, SKU } from "./shop-fixture.ts";
import { checkStockOutbox } from "./stock-outbox.ts";
import { checkStock, checkStockChanges } from "./stock.ts";

let shop: ShopFixture;
beforeAll(async () => {
  shop = await openShopFixture();
});
afterAll(() => shop.close());

const planted = async (...plant: Parameters<ShopFixture["planted"]>) =>
  (await shop.planted(...plant)).violations;

test.each([
  ["a sale that left no trace", `update stocks set total_count = 9999 where sku = ${SKU}`, [
    `sku ${SKU}: total 9999 is not what was moved, 10005, − sold 2`,
  ]],
  ["what stays reserved without an order", `update stocks set reserved = 9 where sku = ${SKU}`, [
    `sku ${SKU}: reserved 9 − awaiting payment 1 is not the seeded reserved 0`,
  ]],
  ["a SKU that is gone", `delete from stocks where sku = 1002`, [
    "sku 1002 has no stock row: 201 moved, 0 sold, 0 await payment",
  ]],
  ["a SKU from nowhere", `insert into stocks values (4, 1, 0)`, [
    "sku 4: total 1 is not what was moved, 0, − sold 0",
  ]],
])("checkStock() report %s", async (_what, statement, sentences) => {
  expect(await planted(checkStock, statement)).toEqual(sentences);
});

test.each([
  [
    "a movement that is lost",
    `delete from stock_movements where reference = '${REFERENCE}' and sku = 1002`,
    `"${REFERENCE}" was answered 1002: 201, ${SKU}: 10005 and moved ${SKU}: 10005`,
  ],
  [
    "a change that was made twice",
    `insert into stock_movements (sku, kind, count, total_count, reason, reference, at)
      select sku, kind, count, total_count + count, reason, reference, at from stock_movements
      where reference = '${REFERENCE}' and sku = 1002`,
    `"${REFERENCE}" was answered 1002: 201, ${SKU}: 10005 and moved 1002: 201, 1002: 202, ` +
    `${SKU}: 10005`,
  ],
  [
    "a movement without a change",
    `delete from stock_changes`,
    `"${REFERENCE}" was answered nothing and moved 1002: 201, ${SKU}: 10005`,
  ],
])("checkStockChanges() report %s", async (_what, statement, sentence) => {
  expect(await planted(checkStockChanges, statement)).toEqual([sentence]);
});

test.each([
  [
    "a gap",
    `delete from order_events where order_id = 2 and seq = 2`,
    "order 2 went an illegal path: 1 new, 3 payed",
  ],
  [
    "two final statuses",
    `insert into order_events values (2, 4, 'cancelled', now(), '')`,
    "order 2 went an illegal path: 1 new, 2 awaiting payment, 3 payed, 4 cancelled",
  ],
  [
    "a beginning in the middle",
    `delete from order_events where order_id = 1 and seq = 1`,
    "order 1 went an illegal path: 2 awaiting payment",
  ],
])("checkPaths() report %s", async (_what, statement, sentence) => {
  expect(await planted(checkPaths, statement)).toEqual([sentence]);
});

test.each([
  [
    "a row that is behind its history",
    `update orders set status = 'awaiting payment', seq = 2 where order_id = 2`,
    "order 2 is at 2 awaiting payment, its last event at 3 payed",
  ],
  [
    "a history without an order",
    `delete from orders where order_id = 2`,
    "order 2 is at null null, its last event at 3 payed",
  ],
  ["an order of nothing", `delete from order_items where order_id = 3`, [
    "order 3 (cancelled) has no items",
  ]],
  ["a line of no order", `insert into order_items values (99, 1002, 1)`, [
    "1 of sku 1002 belong to order 99, which is not there or cannot have them",
  ]],
  [
    "a shortage of an order that was made",
    `update orders set shortage = '{}' where order_id = 1`,
    /^order 1 is awaiting payment with payment due .* and the shortage of another status$/,
  ],
])("checkRows() report %s", async (_what, statement, sentence) => {
  const [violation] = await planted(checkRows, statement);
  if (sentence instanceof RegExp) expect(violation).toMatch(sentence);
  else expect(violation).toBe(String(sentence));
});

test("checkDeadlines() reports an order that is not cancelled", async () => {
  const statement =
    `update orders set payment_due_at = now() - interval '1 min' where order_id = 1`;
  expect(await planted(checkDeadlines, statement)).toEqual([
    "order 1 still awaits payment 60 s after its deadline",
  ]);
});

test.each([
  [
    "an event that is lost",
    `delete from outbox where order_id = 2 and seq = 3`,
    "event 3 (payed) of order 2 is younger than what is cleaned and not there",
  ],
  [
    "an event that never happened",
    `update order_events set status = 'cancelled' where order_id = 2 and seq = 3`,
    "event 3 (cancelled) of order 2 is younger than what is cleaned and not there",
    "event 3 (payed) of order 2 is there and not in the order's history",
  ],
  [
    "an event that is kept from the bus",
    `update outbox set published_at = null, at = now() - interval '1 min'
      where order_id = 1 and seq = 2;
     update order_events set at = now() - interval '1 min' where order_id = 1 and seq = 2`,
    "event 2 (awaiting payment) of order 1 waits for the bus for more than 20 s",
  ],
  [
    "an event that was overtaken",
    `update outbox set published_at = null where order_id = 2 and seq = 2`,
    "event 3 (payed) of order 2 has overtaken an earlier one",
  ],
])("checkOutbox() report %s", async (_what, statement, ...sentences) => {
  expect(await planted(checkOutbox, statement)).toEqual(sentences);
});

test("checkOutbox() allows old events to be deleted", async () => {
  const statements = [
    `update order_events set at = now() - interval '1 hour'`,
    `delete from outbox`,
  ];
  expect(await planted(checkOutbox, ...statements)).toEqual([]);
});

test.each([
  [
    "an event that is kept from the bus",
    `update stock_outbox set published_at = null, at = now() - interval '1 min'
      where sku = 1002`,
    /^event \d+ \(received\) of sku 1002 waits for the bus for more than 20 s$/,
  ],
  [
    "an event that was overtaken",
    `insert into stock_outbox (sku, kind, available, total_count, at, traceparent, published_at)
      select sku, 'counted', 1, 1, now(), '', now() from stock_outbox where sku = 1002;
     update stock_outbox set published_at = null where sku = 1002 and kind = 'received'`,
    /^event \d+ \(counted\) of sku 1002 has overtaken an earlier one$/,
  ],
])("checkStockOutbox() report %s", async (_what, statement, sentence) => {
  expect(await planted(checkStockOutbox, statement)).toEqual([expect.stringMatching(sentence)]);
});

test.each([
  ["a key of no order", `update idempotency_keys set order_id = 99 where order_id = 1`, [
    `key key "0" of user 7 names order 99, which is not there`,
  ]],
  ["a key of another's order", `update idempotency_keys set user_id = 8 where order_id = 1`, [
    `key key "0" of user 8 names order 1, which is user 7's`,
  ]],
  ["an order of two keys", `update idempotency_keys set order_id = 2 where order_id = 1`, [
    `order 2 has more than one key: key "0", key "1"`,
  ]],
])("checkKeys() report %s", async (_what, statement, sentences) => {
  expect(await planted(checkKeys, statement)).toEqual(sentences);
});
