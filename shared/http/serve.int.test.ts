import { type AddressInfo, connect, createServer } from "node:net";
import { Agent, get } from "node:http";
import { afterEach, expect, test } from "vitest";
import { answerJson } from "./answer.ts";
import { createHttpApp, mount, type MountedRoute } from "./app.ts";
import type { Exchange } from "./exchange.ts";
import { readBody } from "./read-body.ts";
import { isDeno } from "./serve-deno.ts";
import { type HttpServer, serve } from "./serve.ts";

const GRACE_MS = 2_000;
const LOOPBACK = "127.0.0.1";

let server: HttpServer | undefined;
const agent = new Agent({ keepAlive: true });

afterEach(async () => {
  agent.destroy();
  await server?.close(0);
});

async function serveRoutes(...routes: MountedRoute[]) {
  const ended: Exchange[] = [];
  const app = createHttpApp({ observers: [{ requestEnded: (each) => ended.push(each) }] });
  mount(app, routes);
  server = await serve(app.fetch, { host: LOOPBACK, port: 0 });
  return { server, ended };
}

const hello: MountedRoute = {
  method: "get",
  path: "/hello",
  run: (c) => answerJson(c, 200, { id: 2n ** 63n - 1n }),
};

const echo: MountedRoute = {
  method: "post",
  path: "/echo",
  run: async (c) => answerJson(c, 200, { bytes: (await readBody(c, 1000)).byteLength }),
};

/** A route that answers when the test says so. */
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

/** Sends `text` over a bare connection; resolves with what comes, up to and with `last`. */
function exchangeBytes(port: number, text: string, last: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, LOOPBACK, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk) => {
      received += String(chunk);
      if (received.includes(last)) socket.destroy();
    });
    socket.on("close", () => resolve(received)).on("error", reject);
  });
}

test("serve() answers over a real port, with every digit", async () => {
  const { server } = await serveRoutes(hello);
  const answer = await fetch(`${server.url}/hello`);
  expect(await answer.text()).toBe(`{"id":9223372036854775807}`);
  expect(answer.headers.get("content-length")).toBe("26");
});

test.each(["/made-up/../hello", "/./hello", "/made-up/%2e%2e/hello", "/hello/."])(
  "the path %s is taken as it was sent",
  async (path) => {
    const { server } = await serveRoutes(hello);
    const request = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await exchangeBytes(server.port, request, "There is no such route"))
      .toMatch(/^HTTP\/1\.1 404 /);
  },
);

test.each(["/hello", "/hello/", "/hello?a=/..", "http://a/hello"])(
  "the target %s leads to /hello",
  async (target) => {
    const { server } = await serveRoutes(hello);
    const request = `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await exchangeBytes(server.port, request, `{"id":`)).toMatch(/^HTTP\/1\.1 200 /);
  },
);

test("serve() says which address is taken", async () => {
  const taken = createServer().listen(0, LOOPBACK);
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  await expect(serve(() => new Response(), { host: LOOPBACK, port }))
    .rejects.toThrow(`Cannot listen on 127.0.0.1:${port}: another process listens there`);
  taken.close();
});

test("close() finishes requests in flight, then refuses", async () => {
  const held = heldRoute();
  const { server } = await serveRoutes(hello, held.route);
  await keptAlive(`${server.url}/hello`);
  const answer = keptAlive(`${server.url}/held`);
  await held.arrived;
  const closed = server.close(GRACE_MS);
  held.release();
  expect((await answer).status).toBe(200);
  await closed;
  await expect(fetch(`${server.url}/hello`)).rejects.toThrow();
});

test("close() waits no longer than the grace; Node then cuts off what is not done", async () => {
  const held = heldRoute();
  const { server } = await serveRoutes(held.route);
  const outcome = keptAlive(`${server.url}/held`).then(({ status }) => status, () => "cut off");
  await held.arrived;
  await server.close(10);
  held.release();
  expect(await outcome).toBe(isDeno() ? 200 : "cut off");
});

test("close() lets go of idle connections at once", async () => {
  const { server } = await serveRoutes(hello);
  await keptAlive(`${server.url}/hello`);
  // Without it the connection would be kept for longer than this test may take.
  await server.close(60_000);
});

test("a caller that leaves aborts the signal of its request", async () => {
  const held = heldRoute();
  const { server } = await serveRoutes(held.route);
  const call = get(`${server.url}/held`).on("error", () => {});
  const { context } = await held.arrived;
  const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
  call.destroy();
  await aborted;
  expect(context.signal.reason).toMatchObject({ code: "unavailable" });
  held.release();
});

test("a caller that leaves in the middle of its body breaks nothing", async () => {
  const { server, ended } = await serveRoutes(hello, echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nhalf";
  const socket = connect(server.port, LOOPBACK, () => socket.end(head));
  await expect.poll(() => ended.map(({ status }) => status)).toEqual([400]);
  expect((await fetch(`${server.url}/hello`)).status).toBe(200);
});

test("a body that is declared too large is refused without being read", async () => {
  const { server } = await serveRoutes(echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
  const answer = await exchangeBytes(server.port, head, "}");
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toContain("application/problem+json");
});

test("a chunked body is read up to the limit", async () => {
  const { server } = await serveRoutes(echo);
  const post = async (bytes: number) => {
    const body = new Blob([new Uint8Array(bytes)]).stream();
    // Node wants `duplex` with a stream, and Deno's types do not know it.
    const init = { method: "POST", body, duplex: "half" as const };
    const answer = await fetch(`${server.url}/echo`, init);
    return [answer.status, (await answer.json() as { bytes?: number }).bytes];
  };
  expect(await post(1000)).toEqual([200, 1000]);
  expect(await post(1001)).toEqual([413, undefined]);
});

test("a POST without any body has an empty one", async () => {
  const { server } = await serveRoutes(echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\n\r\n";
  expect(await exchangeBytes(server.port, head, "}")).toContain(`{"bytes":0}`);
});

const getHello = (host: string, more: string) =>
  `GET /hello HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

test("a malformed Host is refused", async () => {
  const { server } = await serveRoutes(hello);
  const answer = await exchangeBytes(server.port, getHello("a b/c", ""), "\r\n\r\n");
  // Deno passes it on inside the URL, where it makes another path.
  expect(answer).toMatch(isDeno() ? /^HTTP\/1.1 404 / : /^HTTP\/1.1 400 /);
});

test("headers over the limit are refused", async () => {
  const { server } = await serveRoutes(hello);
  // Deno's limit is its own, between 20 kB and 300 kB.
  const more = `X: ${"a".repeat(isDeno() ? 300_000 : 20_000)}\r\n`;
  const answer = await exchangeBytes(server.port, getHello("x", more), "\r\n\r\n");
  expect(answer).toMatch(isDeno() ? /^HTTP\/1.1 400 / : /^HTTP\/1.1 431 /);
});
