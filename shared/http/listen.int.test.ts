import { once } from "node:events";
import { Agent, get } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { answerJson } from "./app.ts";
import type { Exchange, MountedRoute } from "./exchange.ts";
import { serve } from "./listen.ts";
import { echo, exchangeBytes, hello, LOOPBACK, type Served, serveRoutes } from "./test/served.ts";

const GRACE_MS = 2_000;

let opened: Served | undefined;
const agent = new Agent({ keepAlive: true });

afterEach(async () => {
  agent.destroy();
  await opened?.server.close(0);
});

async function served(...routes: MountedRoute[]): Promise<Served> {
  return opened = await serveRoutes(...routes);
}

/** A route that answers when the test releases it. */
function heldRoute() {
  const arrived = Promise.withResolvers<Exchange>();
  const release = Promise.withResolvers<void>();
  const route: MountedRoute = {
    method: "get",
    path: "/held",
    async run(c) {
      arrived.resolve(c.get("exchange"));
      await release.promise;
      return answerJson(c, 200, {});
    },
  };
  return { route, arrived: arrived.promise, release: () => release.resolve() };
}

/** The status of a GET over a connection that is kept open. */
function keptAlive(url: string): Promise<{ status: number | undefined; connection: unknown }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      answer.resume().on(
        "end",
        () => resolve({ status: answer.statusCode, connection: answer.headers.connection }),
      );
    }).on("error", reject);
  });
}

test("serve() answers over a real port, with every digit", async () => {
  const { server } = await served(hello);
  const answer = await fetch(`${server.url}/hello`);
  expect(await answer.text()).toBe(`{"id":9223372036854775807}`);
  expect(answer.headers.get("content-length")).toBe("26");
});

test("serve() names an address in use", async () => {
  const taken = createServer().listen(0, LOOPBACK);
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  await expect(serve(() => new Response(), { host: LOOPBACK, port }))
    .rejects.toThrow(`Cannot listen on 127.0.0.1:${port}: another process listens there`);
  taken.close();
});

test("close() finishes requests in flight, then refuses new ones", async () => {
  const held = heldRoute();
  const { server } = await served(hello, held.route);
  await keptAlive(`${server.url}/hello`);
  const answer = keptAlive(`${server.url}/held`);
  await held.arrived;
  const closed = server.close(GRACE_MS);
  held.release();
  expect((await answer).status).toBe(200);
  await closed;
  await expect(fetch(`${server.url}/hello`)).rejects.toThrow();
});

test("close() aborts requests that are unfinished after the grace period", async () => {
  const held = heldRoute();
  const { server } = await served(held.route);
  const outcome = keptAlive(`${server.url}/held`).then(({ status }) => status, () => "cut off");
  await held.arrived;
  await server.close(10);
  held.release();
  expect(await outcome).toBe("cut off");
});

test("close() closes idle connections at once", async () => {
  const { server } = await served(hello);
  await keptAlive(`${server.url}/hello`);
  // Otherwise the connection would be kept for longer than this test may take.
  await server.close(60_000);
});

test("close() closes connections without a request", async () => {
  const { server } = await served(hello);
  const socket = connect(server.port, LOOPBACK);
  await once(socket, "connect");
  // The server has accepted it by the time it answers over a later one.
  await fetch(`${server.url}/hello`);
  await server.close(60_000);
  socket.destroy();
});

test("a caller that disconnects aborts the signal of its request", async () => {
  const held = heldRoute();
  const { server } = await served(held.route);
  const call = get(`${server.url}/held`).on("error", () => {});
  const { context } = await held.arrived;
  const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
  call.destroy();
  await aborted;
  expect(context.signal.reason).toMatchObject({ code: "unavailable" });
  held.release();
});

test("a caller that disconnects in the middle of its body breaks nothing", async () => {
  const { server, lines } = await served(hello, echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nhalf";
  const socket = connect(server.port, LOOPBACK, () => socket.end(head));
  await expect.poll(() => lines.map((line) => line["http_response_status_code"])).toEqual([400]);
  expect((await fetch(`${server.url}/hello`)).status).toBe(200);
});

test("a body whose declared length is too large is refused without being read", async () => {
  const { server } = await served(echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
  const answer = await exchangeBytes(server.port, head, "}");
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toContain("application/problem+json");
});

test("a chunked body is read up to the limit", async () => {
  const { server } = await served(echo);
  const post = async (bytes: number) => {
    const body = new Blob([new Uint8Array(bytes)]).stream();
    // Node requires `duplex` with a stream, and Deno's types lack it.
    const init = { method: "POST", body, duplex: "half" as const };
    const answer = await fetch(`${server.url}/echo`, init);
    return [answer.status, (await answer.json() as { bytes?: number }).bytes];
  };
  expect(await post(1000)).toEqual([200, 1000]);
  expect(await post(1001)).toEqual([413, undefined]);
});

test("a POST without any body has an empty one", async () => {
  const { server } = await served(echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\n\r\n";
  expect(await exchangeBytes(server.port, head, "}")).toContain(`{"bytes":0}`);
});
