import { Buffer } from "node:buffer";
import { request } from "node:http";
import { Client, connectivityState, credentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { prepareGrpcJs } from "../shared/grpc/prepare-grpc-js.ts";
import { type Beside, startBeside } from "./beside.ts";
import { eventually } from "./eventually.ts";
import { grpcCall } from "./grpc.ts";
import { type Hold, hold } from "./hold.ts";
import { keepConnection } from "./kept-connection.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const SKU = 3_596_599;
const ORDER_CREATE = "loms.v1.Loms/OrderCreate";
/** The limit of the contract from the signal to the end of a process. */
const GRACE_MS = 10_000;
/** A gRPC caller may set this deadline, which is longer than the grace period. */
const LONG_DEADLINE_S = 60;

/** Blocks every order of the SKU. */
let stock: Hold;
beforeEach(async () => {
  stock = await hold(shop.databases.loms, `select from stocks where sku = ${SKU} for update`);
});
afterEach(() => stock.release());

const inFlight = () => stock.blocks("order_create");
const orderOf = (user: number) => ({ user, items: [{ sku: SKU, count: 1 }] });

/** Whether a GET on a new connection is answered. */
function isAnsweredOnNewConnection(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    request(url, { agent: false }, (answer) => {
      answer.resume().once("close", () => resolve(true));
    }).once("error", () => resolve(false)).end();
  });
}

/** A service and a call that creates an order, which a lock on the stock blocks. */
async function startWithOrder(part: "cart" | "loms") {
  const own = await startBeside(part, shop);
  const user = newUser();
  if (part === "loms") return { own, line: "POST /v1/order/create", body: orderOf(user) };
  await shopAt({ urls: { ...shop.urls, cart: own.url } }).add(user, SKU, 1);
  return { own, line: `POST /user/${user}/cart/checkout` };
}

test.each(["cart", "loms"] as const)(
  "%s that stops: not ready, no new requests, idle connections closed, the rest answered",
  async (part) => {
    const { own, line, body } = await startWithOrder(part);
    const [idle, busy] = [await keepConnection(own.url), await keepConnection(own.url)];
    expect(await idle.send("GET /healthz")).toBe(200);
    expect(await busy.send("GET /healthz")).toBe(200);
    const answer = busy.send(line, body);
    await inFlight();
    const ended = stopped(own);
    await idle.closed;
    // A service that was ready until its requests have ended would answer 200.
    const readiness = busy.send("GET /readyz");
    await eventually(async () =>
      expect(await isAnsweredOnNewConnection(`${own.url}/healthz`)).toBe(false)
    );
    await stock.release();
    expect(await answer).toBe(200);
    expect(await readiness).toBe(503);
    await busy.closed;
    await ended;
  },
);

/** Sends SIGTERM; resolves when it has ended within the limits of the contract. */
async function stopped({ process }: Pick<Beside, "process">): Promise<void> {
  const signalledAt = performance.now();
  process.signal("SIGTERM");
  expect(await process.ended, process.output()).toBe("exit code 0");
  expect(performance.now() - signalledAt).toBeLessThan(GRACE_MS);
}

/** The status of a call that never waits inside loms. */
function checkHealth(client: Client): Promise<number> {
  const asItIs = (bytes: Buffer) => bytes;
  const path = "/grpc.health.v1.Health/Check";
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asItIs, asItIs, Buffer.alloc(0), (error) => {
      resolve(error?.code ?? status.OK);
    });
  });
}

test("a loms that stops answers the gRPC call in progress and rejects new ones", async () => {
  const own = await startBeside("loms", shop);
  prepareGrpcJs();
  const idle = new Client(own.grpc, credentials.createInsecure());
  expect(await checkHealth(idle)).toBe(status.OK);
  const answer = grpcCall(own.grpc, ORDER_CREATE, JSON.stringify(orderOf(newUser())), {
    maxTimeS: LONG_DEADLINE_S,
  });
  await inFlight();
  const ended = stopped(own);
  await eventually(() =>
    expect(idle.getChannel().getConnectivityState(false)).not.toBe(connectivityState.READY)
  );
  expect(await checkHealth(idle)).toBe(status.UNAVAILABLE);
  idle.close();
  await stock.release();
  expect(await answer).toMatchObject({ code: 0 });
  await ended;
});

test("loms stops in its grace period, and reports no unknown outcome as a failure", async () => {
  const own = await startBeside("loms", shop);
  const over = { http: await keepConnection(own.url), grpc: JSON.stringify(orderOf(newUser())) };
  const answers = [
    over.http.send("POST /v1/order/create", orderOf(newUser())),
    grpcCall(own.grpc, ORDER_CREATE, over.grpc, { maxTimeS: LONG_DEADLINE_S })
      .then(({ code }) => code),
  ];
  await inFlight();
  await stopped(own);
  const [http, grpc] = await Promise.all(answers);
  expect([503, 504]).toContain(http);
  expect([status.DEADLINE_EXCEEDED, status.UNAVAILABLE]).toContain(grpc);
});
