import { once } from "node:events";
import http2, { type Http2Server, type ServerHttp2Session } from "node:http2";
import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { freePorts } from "../../stack/ports.ts";
import { formatHostPort } from "../config.ts";
import { clientOf, inTime, startServer } from "./loms-fixture.ts";
import {
  LIST_SERVICES,
  NOT_SERVING,
  openStream,
  protoString,
  reflectionPath,
  SERVING,
  watchHealth,
} from "./raw-client-fixture.ts";
import type { GrpcServer } from "./server.ts";

const PAY = "/loms.v1.Loms/OrderPay";
const answer = (count: bigint) => () => Promise.resolve({ count });

/** A server, and its side of the first connection. */
async function startWithSession() {
  const created = vi.spyOn(http2, "createServer");
  const server = await startServer(answer(7n));
  const { promise, resolve } = Promise.withResolvers<ServerHttp2Session>();
  for (const { value } of created.mock.results) (value as Http2Server).once("session", resolve);
  created.mockRestore();
  return { server, connected: promise };
}

/** Closes it. No time passes for it until `act` is called. */
async function close(server: GrpcServer, act = () => {}): Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const closed = server.close();
  await new Promise((resolve) => setImmediate(resolve));
  act();
  vi.useRealTimers();
  await closed;
}

test("a server that stops finishes calls, refuses others, and is found again", async () => {
  let finish = () => {};
  const started = Promise.withResolvers<void>();
  // No other process takes its port before it starts again.
  const server = await startServer(() =>
    new Promise((resolve) => {
      finish = () => resolve({ count: 7n });
      started.resolve();
    }), (await freePorts(1))[0]);
  const client = clientOf(server);
  const inProgress = client.call("stocksInfo", { sku: 1 }, inTime());
  await started.promise;
  server.health.set(true);
  const watched = watchHealth(server.address);
  await expect.poll(() => watched).toEqual([SERVING]);
  const closed = server.close();
  await expect.poll(() => watched).toEqual([SERVING, NOT_SERVING, "end"]);
  finish();
  expect(await inProgress).toEqual({ count: 7n });
  await closed;

  await expect(client.call("stocksInfo", { sku: 1 }, inTime())).rejects.toMatchObject({
    code: "unavailable",
    message: "loms.v1.Loms/StocksInfo failed: unavailable",
  });

  const again = await startServer(answer(8n), server.address.port);
  await expect.poll(
    () => client.call("stocksInfo", { sku: 1 }, inTime()).catch(() => undefined),
    { timeout: 5_000 },
  ).toEqual({ count: 8n });
  client.close();
  await again.close();
});

test.each(["v1", "v1alpha"])(
  "a server that stops ends streams of reflection %s",
  async (version) => {
    const server = await startServer(answer(7n));
    const { ended } = await openStream(
      server.address,
      reflectionPath(version),
      protoString(LIST_SERVICES, "*"),
    );
    await close(server);
    await ended;
  },
);

test("a server stops while a lost connection is being removed", async () => {
  const { server, connected } = await startWithSession();
  const client = clientOf(server);
  await client.call("stocksInfo", { sku: 1 }, inTime());
  (await connected).destroy();
  await server.close();
  client.close();
});

test("a server stops at its limit, whatever a caller does that has sent GOAWAY", async () => {
  const { server, connected } = await startWithSession();
  const caller = http2.connect(`http://${formatHostPort(server.address)}`).on("error", () => {});
  onTestFinished(() => caller.destroy());
  const session = await connected;
  // Its request has no end.
  const request = { ":method": "POST", ":path": PAY, "content-type": "application/grpc" };
  caller.request(request).on("error", () => {});
  await once(session, "stream");
  caller.goaway();
  await expect.poll(() => session.closed).toBe(true);
  await close(server, () => vi.runOnlyPendingTimers());
});

test("a server stops at its limit, although a caller does not close its side", async () => {
  const { server, connected } = await startWithSession();
  const caller = connect({ ...server.address, allowHalfOpen: true }).on("error", () => {});
  onTestFinished(() => void caller.destroy());
  await connected;
  await close(server, () => vi.runOnlyPendingTimers());
});
