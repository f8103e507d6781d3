import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { eventually } from "./eventually.ts";
import { openDatabase } from "./invariants/snapshot.ts";
import { startOwnStack } from "./own-stack.ts";
import { expectProblem } from "./problems.ts";
import { type Shop, shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 1_625_903;
const READS = 200;
/** A replica whose answer is late serves no read for a moment, so no share is certain. */
const READS_OF_EACH_MIN = 50;

let stack: Stack;
let shop: Shop;
beforeAll(async () => {
  stack = await startOwnStack({ replicas: 2 });
  shop = shopAt(stack);
});
afterAll(() => stack.close());

/** Rows of orders that a standby has fetched by their ids, from its own statistics. */
async function ordersRead(replica: string): Promise<number> {
  const database = openDatabase(replica);
  try {
    const [row] = await database<{ read: number }[]>`
      select coalesce(sum(idx_scan), 0)::int as read from pg_stat_user_indexes
      where indexrelname = 'orders_pkey'`;
    return row?.read ?? 0;
  } finally {
    await database.end({ timeout: 0 });
  }
}

const replicas = () => stack.databases.lomsReplicas;

test("reads are spread over both replicas, and both have every acknowledged order", async () => {
  const order = await shop.create(newUser(), SKU, 1);
  const before = await Promise.all(replicas().map(ordersRead));
  // A server updates its statistics within about a second.
  await eventually(async () => {
    for (let read = 0; read < READS_OF_EACH_MIN; read++) {
      expect(await shop.status(order)).toBe("awaiting payment");
    }
    const after = await Promise.all(replicas().map(ordersRead));
    for (const [index, count] of after.entries()) {
      expect(count - (before[index] ?? 0)).toBeGreaterThanOrEqual(READS_OF_EACH_MIN);
    }
  });
});

test("while one replica is down every read is answered, and it serves again later", async () => {
  const order = await shop.create(newUser(), SKU, 1);
  await stack.kill("standby2");
  for (let read = 0; read < READS; read++) {
    expect(await shop.status(order)).toBe("awaiting payment");
  }
  // Both are synchronous, so each has every acknowledged write.
  expectProblem(await shop.tryPay(order), 503);
  await stack.restart("standby2");
  await eventually(() => shop.pay(order));
  expect(await shop.status(order)).toBe("payed");
  const [, back = ""] = replicas();
  const before = await ordersRead(back);
  await eventually(async () => {
    for (let read = 0; read < 10; read++) expect(await shop.status(order)).toBe("payed");
    expect(await ordersRead(back)).toBeGreaterThan(before);
  });
});
