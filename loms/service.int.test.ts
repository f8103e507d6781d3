import { afterAll, beforeAll, expect, test } from "vitest";
import { LomsDefinition } from "../proto/gen/loms/v1/loms.ts";
import { NOTIFIER_GROUP, ORDER_EVENTS, type OrderEvent } from "../proto/order-event.ts";
import { RequestContext } from "../shared/async/request-context.ts";
import { createPostgresBus } from "../shared/bus/postgres.ts";
import { createGrpcClient } from "../shared/grpc/client.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { childTraceparent } from "../shared/telemetry/tracing.ts";
import { freePorts } from "../stack/ports.ts";
import { type TestDatabase, testDatabase } from "../stack/test/database.ts";
import { lomsConfig } from "./config.ts";
import { type RunningLoms, startLoms } from "./service.ts";

const log = createLogger({ service: "loms", level: "error", write: () => {} });
const context = () =>
  new RequestContext({ traceparent: childTraceparent(undefined), timeoutMs: 5_000 });

let database: TestDatabase;
let bus: TestDatabase;

beforeAll(async () => {
  database = await testDatabase("empty");
  bus = await testDatabase("bus");
});
afterAll(async () => {
  await database.drop();
  await bus.drop();
});

function start(environment: Record<string, string> = {}) {
  const config = lomsConfig({
    DATABASE_URL: database.primaryUrl,
    DATABASE_REPLICA_URLS: database.replicaUrl,
    BUS_DATABASE_URL: bus.primaryUrl,
    LOMS_HTTP: "127.0.0.1:0",
    LOMS_GRPC: "127.0.0.1:0",
    ...environment,
  });
  return startLoms(config, log);
}

function clientOf({ grpcAddress }: RunningLoms) {
  return createGrpcClient({
    definition: LomsDefinition,
    address: grpcAddress,
    errorDetails: [],
  });
}

test("startLoms() migrates an empty database, also when two processes start at once", async () => {
  const both = await Promise.all([start(), start()]);
  for (const { url } of both) expect((await fetch(`${url}/readyz`)).status).toBe(200);
  await Promise.all(both.map((loms) => loms.close()));
});

test("both transports lead to the same orders", async () => {
  const loms = await start();
  const client = clientOf(loms);
  const user = 2n ** 63n - 1n;
  const items = [{ sku: 1002, count: 3 }];
  const { orderID } = await client.call("orderCreate", { user, items }, context());
  const response = await fetch(`${loms.url}/v1/order/info`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"orderID":${orderID}}`,
  });
  expect(await response.text()).toBe(
    '{"status":"awaiting payment","user":9223372036854775807,"items":[{"sku":1002,"count":3}]}',
  );
  client.close();
  await loms.close();
  await expect(fetch(`${loms.url}/readyz`)).rejects.toThrow();
});

test("close() publishes what the last request left in the outbox", async () => {
  const loms = await start();
  const client = clientOf(loms);
  const items = [{ sku: 1003, count: 1 }];
  const { orderID } = await client.call("orderCreate", { user: 1n, items }, context());
  client.close();
  await loms.close();

  const readers = createPostgresBus({ url: bus.primaryUrl, log });
  const statuses: unknown[] = [];
  await readers.subscribe({
    topic: ORDER_EVENTS,
    group: NOTIFIER_GROUP,
    handle: ({ key, value }) => {
      if (key === String(orderID)) statuses.push((JSON.parse(value) as OrderEvent).status);
      return Promise.resolve();
    },
  });
  await expect.poll(() => statuses, { timeout: 5_000 }).toEqual(["new", "awaiting payment"]);
  await readers.close();
});

test("an order that is not payed in time is cancelled", async () => {
  const loms = await start({ ORDER_PAYMENT_TIMEOUT: "100ms" });
  const client = clientOf(loms);
  const items = [{ sku: 1004, count: 1 }];
  const { orderID } = await client.call("orderCreate", { user: 1n, items }, context());
  const info = () => client.call("orderInfo", { orderID }, context());
  await expect.poll(info, { timeout: 5_000 }).toMatchObject({ status: "cancelled" });
  client.close();
  await loms.close();
});

test("startLoms() leaves nothing open when an address is taken", async () => {
  const loms = await start();
  const [port] = await freePorts(1);
  const taken = { LOMS_GRPC: loms.grpcAddress, LOMS_HTTP: `127.0.0.1:${port}` };
  await expect(start(taken)).rejects.toThrow(`Cannot listen on ${loms.grpcAddress}`);
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  await loms.close();
});
