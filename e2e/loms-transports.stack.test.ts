import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { eventually } from "./eventually.ts";
import { hold } from "./hold.ts";
import {
  type LomsMethod,
  lomsTransports,
  type Outcome,
  type Transport,
} from "./loms-transports.ts";
import { startOwnStack } from "./own-stack.ts";
import { TRACE_ID } from "./problems.ts";
import { type Shop, shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 1_005;

let stack: Stack;
let shop: Shop;
let transports: readonly Transport[];
let database: postgres.Sql;
beforeAll(async () => {
  stack = await startOwnStack();
  shop = shopAt(stack);
  transports = lomsTransports(stack);
  database = postgres(stack.databases.loms, { max: 1 });
});
afterAll(async () => {
  await database.end();
  await stack.close();
});

/** The outcome of one request, which is the same on both transports. */
function callBoth(method: LomsMethod, request: string): Promise<Outcome> {
  return sameOutcome(transports.map((transport) => transport.call(method, request)));
}

async function sameOutcome(calls: readonly Promise<Outcome>[]): Promise<Outcome> {
  const [gateway, grpc] = await Promise.all(calls);
  expect(withoutSeconds(grpc)).toEqual(withoutSeconds(gateway));
  expect(gateway?.traceId).toBe(TRACE_ID);
  return gateway as Outcome;
}

/** Durations in messages differ from one call to the next. */
function withoutSeconds(outcome: Outcome | undefined): Outcome {
  return JSON.parse(JSON.stringify(outcome).replaceAll(/\b[0-9]+ s\b/g, "some s")) as Outcome;
}

const order = () => `{"user":${newUser()},"items":[{"sku":${SKU},"count":1}]}`;

test("both transports give the same answer for an order past its payment deadline", async () => {
  const order = await shop.create(newUser(), SKU, 1);
  // Both wait for the row before the order is overdue, so it is not cancelled meanwhile.
  const held = await hold(
    stack.databases.loms,
    `update orders set payment_due_at = clock_timestamp() - interval '1 ms'
     where order_id = ${order}`,
  );
  const calls: Promise<Outcome>[] = [];
  for (const transport of transports) {
    calls.push(transport.call("OrderPay", `{"orderID":${order}}`));
    // Calls that arrive together would share a statement.
    await eventually(async () => {
      const waiting = await database`
        select from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%order_change%'`;
      expect(waiting).toHaveLength(calls.length);
    });
  }
  await held.release();
  const { code, message, preconditions } = await sameOutcome(calls);
  expect(code).toBe("failed_precondition");
  expect(message).toBe(`Cannot pay order ${order}: its payment deadline has passed`);
  expect(preconditions).toHaveLength(1);
});

test("both transports report a defect in the same way, without its details", async () => {
  await database`alter table stocks rename to stocks_elsewhere`;
  try {
    const outcome = await callBoth("OrderCreate", order());
    expect(outcome.code).toBe("internal");
    expect(outcome.message).not.toContain("stocks");
  } finally {
    await database`alter table stocks_elsewhere rename to stocks`;
  }
});

test("both transports give the same answer when the replica is lost", async () => {
  const unpaid = await shop.create(newUser(), SKU, 1);
  stack.pause("standby1");
  try {
    await eventually(async () => {
      const { message } = await callBoth("OrderCreate", order());
      expect(message).toMatch(/^order_create is refused: /);
    });
    for (const method of ["OrderPay", "OrderCancel"] as const) {
      expect((await callBoth(method, `{"orderID":${unpaid}}`)).code).toBe("unavailable");
    }
    expect((await callBoth("OrderCreate", order())).code).toBe("unavailable");
  } finally {
    stack.resume("standby1");
  }
});
