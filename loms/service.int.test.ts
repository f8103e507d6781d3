import { afterAll, beforeAll, expect, test } from "vitest";
import { LomsDefinition } from "../proto/gen/loms/v1/loms.ts";
import { NOTIFIER_GROUP, ORDER_EVENTS, type OrderEvent } from "../proto/order-event.ts";
import { PostgresBus } from "../shared/bus/postgres.ts";
import { eachMessage } from "../shared/bus/test/each-message.ts";
import { createGrpcClient } from "../shared/grpc/client.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { backgroundContext } from "../shared/telemetry/tracing.ts";
import { freePorts } from "../stack/ports.ts";
import { type TestDatabase, testDatabase } from "../stack/test/database.ts";
import { lomsConfig } from "./config.ts";
import { type RunningLoms, startLoms } from "./service.ts";

const log = createLogger({ service: "loms", level: "error", write: () => {} });
const context = () => backgroundContext(5_000);

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

/** Starts loms and waits until it accepts writes, which it refuses while the replica stalls. */
async function startReady(environment: Record<string, string> = {}): Promise<RunningLoms> {
  const loms = await start(environment);
  await expect.poll(async () => (await fetch(`${loms.url}/readyz`)).status).toBe(200);
  return loms;
}

function start(environment: Record<string, string> = {}) {
  const config = lomsConfig({
    DATABASE_URL: database.primaryUrl,
    DATABASE_REPLICA_URLS: database.replicaUrl,
    BUS_DATABASE_URL: bus.primaryUrl,
    LOMS_HTTP: "127.0.0.1:0",
    LOMS_GRPC: "127.0.0.1:0",
    LOMS_ADMIN: "127.0.0.1:0",
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

/** Orders one line, again if loms refuses it meanwhile; returns the order's id. */
async function order(
  client: ReturnType<typeof clientOf>,
  item: { readonly sku: number; readonly count: number },
  user = 1n,
): Promise<bigint> {
  const metadata = { "idempotency-key": `order of ${item.sku}` };
  const create = () => client.call("orderCreate", { user, items: [item] }, context(), metadata);
  let orderID = 0n;
  await expect.poll(async () => ({ orderID } = await create())).toBeDefined();
  return orderID;
}

test("startLoms() migrates an empty database, also in concurrent processes", async () => {
  const both = await Promise.all([startReady(), startReady()]);
  await Promise.all(both.map((loms) => loms.close()));
});

test("both transports return the same orders", async () => {
  const [port] = await freePorts(1);
  const loms = await startReady({ LOMS_HTTP: `127.0.0.1:${port}` });
  const client = clientOf(loms);
  const orderID = await order(client, { sku: 1002, count: 3 }, 2n ** 63n - 1n);
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

test("close() publishes the outbox events of the last request", async () => {
  const loms = await startReady();
  const client = clientOf(loms);
  const orderID = await order(client, { sku: 1003, count: 1 });
  client.close();
  await loms.close();

  const readers = new PostgresBus({ url: bus.primaryUrl, log });
  const statuses: unknown[] = [];
  await readers.subscribe({
    topic: ORDER_EVENTS,
    group: NOTIFIER_GROUP,
    handle: eachMessage(({ key, value }) => {
      if (key === String(orderID)) statuses.push((JSON.parse(value) as OrderEvent).status);
      return Promise.resolve();
    }),
  });
  await expect.poll(() => statuses).toEqual(["new", "awaiting payment"]);
  await readers.close();
});

test("an order that is not payed in time is cancelled", async () => {
  const loms = await startReady({ ORDER_PAYMENT_TIMEOUT: "100ms" });
  const client = clientOf(loms);
  const orderID = await order(client, { sku: 1004, count: 1 });
  const info = () => client.call("orderInfo", { orderID }, context());
  await expect.poll(info).toMatchObject({ status: "cancelled" });
  client.close();
  await loms.close();
});

test("startLoms() leaves nothing open if an address is in use", async () => {
  const loms = await start();
  const [port] = await freePorts(1);
  const taken = { LOMS_GRPC: loms.grpcAddress, LOMS_HTTP: `127.0.0.1:${port}` };
  await expect(start(taken)).rejects.toThrow(`Cannot listen on ${loms.grpcAddress}`);
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  await loms.close();
});

test("the stock API sets what orders can buy, for callers with the token", async () => {
  const loms = await startReady({ LOMS_ADMIN_TOKEN: "s3cret" });
  const post = async (url: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const token = { authorization: "Bearer s3cret" };
  const sku = 4_000_000_000;
  const delivery = { lines: [{ sku, count: 2 }], reason: "delivery", reference: "note 1" };
  const receive = `${loms.adminUrl}/v1/stock/receive`;
  expect((await post(receive, delivery)).status).toBe(401);
  await expect.poll(() => post(receive, delivery, token)).toEqual({
    status: 200,
    text: `{"lines":[{"sku":${sku},"total_count":2,"reserved":0}]}`,
  });
  const sale = { user: 1, items: [{ sku, count: 2 }] };
  const once = { "idempotency-key": "all of them" };
  await expect.poll(() => post(`${loms.url}/v1/order/create`, sale, once))
    .toMatchObject({ status: 200 });
  const taken = { ...delivery, lines: [{ sku, count: -1 }], reference: "note 2" };
  const reason = `Nothing was changed: sku ${sku} would have a total of 1, and 2 are reserved`;
  await expect.poll(() => post(receive, taken, token)).toMatchObject({
    status: 412,
    text: expect.stringContaining(JSON.stringify(reason)) as string,
  });
  await loms.close();
});

test("loms runs without the admin listener if its default address is in use", async () => {
  const first = await start({ LOMS_ADMIN: "" });
  const second = await startReady({ LOMS_ADMIN: "" });
  // Another program of this machine may have the address as well.
  expect(second.adminUrl).toBeUndefined();
  await Promise.all([first.close(), second.close()]);
});

test("startLoms() fails if a chosen address of the stock API is in use", async () => {
  const loms = await start();
  const LOMS_ADMIN = new URL(loms.adminUrl ?? "").host;
  await expect(start({ LOMS_ADMIN })).rejects.toThrow(`Cannot listen on ${LOMS_ADMIN}`);
  await loms.close();
});
