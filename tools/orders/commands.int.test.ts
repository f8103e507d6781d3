import { afterAll, beforeAll, expect, test } from "vitest";
import {
  newOrder,
  openWriterFixture,
  testContext,
  type WriterFixture,
} from "../../loms/repository/writer-fixture.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { listLatePayments } from "./commands.ts";

let database: TestDatabase;
let loms: WriterFixture;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});
afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

test("listLatePayments() lists orders with late payments, newest try first", async () => {
  const sku = await loms.addStock(10);
  const [priced, unpriced] = await loms.writer.orderCreate([
    newOrder([{ sku, count: 2, price: 4_294_967_295 }]),
    newOrder([{ sku, count: 1 }]),
  ], testContext());
  const ids = [priced, unpriced].map((made) => made?.kind === "created" ? made.orderId : 0n);
  const changes = ids.map((orderId) => ({ orderId, traceparent: "t" }));
  expect((await listLatePayments(loms.pool, 10)).lines).toEqual(["0 orders with late payments"]);
  await loms.writer.orderCancel(changes, testContext());
  await loms.writer.orderPay(changes.slice(1), testContext());
  await loms.writer.orderPay([...changes.slice(0, 1), ...changes.slice(0, 1)], testContext());

  const { data, lines } = await listLatePayments(loms.pool, 10);
  const ended = { user: 7n, status: "cancelled", reason: "buyer" };
  expect(data).toMatchObject({
    late_payments: [
      { orderID: ids[0], ...ended, total_price: 8_589_934_590n, tries: 2 },
      { orderID: ids[1], ...ended, tries: 1 },
    ],
  });
  const at = "20\\d\\d-\\d\\d-\\d\\dT\\S+Z";
  expect(lines).toEqual([
    "2 orders with late payments",
    expect.stringMatching(
      `order ${ids[0]} of user 7  cancelled, buyer  price 8589934590  2 tries, ${at} to ${at}$`,
    ),
    expect.stringMatching(
      `order ${ids[1]} of user 7  cancelled, buyer  price unknown  one try, ${at}$`,
    ),
  ]);
  expect((await listLatePayments(loms.pool, 1)).lines[0])
    .toBe("the newest 1 order with late payments");
});
