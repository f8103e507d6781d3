import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Agent, get } from "node:http";
import { afterEach, expect, test } from "vitest";
import { answerJson } from "./answer.ts";
import { createHttpApp, mount, type MountedRoute } from "./app.ts";
import type { Exchange } from "./exchange.ts";
import { readBody } from "./read-body.ts";
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
function exchangeBytes(port: number, text: string | Buffer, last: string): Promise<string> {
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

test.each(["/hello", "/hello/", "/hello?a=/..", "http://b/hello", "HTTP://[::1]:80/hello"])(
  "the target %s leads to /hello",
  async (target) => {
    const { server } = await serveRoutes(hello);
    const request = `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await exchangeBytes(server.port, request, `{"id":`)).toMatch(/^HTTP\/1\.1 200 /);
  },
);

test("the target * of OPTIONS means the server as a whole", async () => {
  const { server } = await serveRoutes(hello);
  const request = (verb: string) => `${verb} * HTTP/1.1\r\nHost: a\r\n\r\n`;
  expect(await exchangeBytes(server.port, request("OPTIONS"), "\r\n\r\n"))
    .toMatch(/^HTTP\/1\.1 204 /);
  expect(await exchangeBytes(server.port, request("GET"), "}")).toMatch(/^HTTP\/1\.1 400 /);
});

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

test("close() waits no longer than the grace, and then cuts off what is not done", async () => {
  const held = heldRoute();
  const { server } = await serveRoutes(held.route);
  const outcome = keptAlive(`${server.url}/held`).then(({ status }) => status, () => "cut off");
  await held.arrived;
  await server.close(10);
  held.release();
  expect(await outcome).toBe("cut off");
});

test("close() lets go of idle connections at once", async () => {
  const { server } = await serveRoutes(hello);
  await keptAlive(`${server.url}/hello`);
  // Without it the connection would be kept for longer than this test may take.
  await server.close(60_000);
});

test("close() lets go of connections that have sent nothing", async () => {
  const { server } = await serveRoutes(hello);
  const socket = connect(server.port, LOOPBACK);
  await once(socket, "connect");
  // The server has accepted it by the time that it answers over a later one.
  await fetch(`${server.url}/hello`);
  await server.close(60_000);
  socket.destroy();
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

test("a body that is refused unread does not hold up the next request of its connection", async () => {
  const { server } = await serveRoutes(hello, echo);
  const body = "a".repeat(2_000);
  const refused = `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n${body}`;
  const answers = await exchangeBytes(server.port, refused + getHello("Host: x\r\n"), `{"id":`);
  expect(answers.match(/HTTP\/1\.1 [0-9]+/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 200"]);
});

const getHello = (headers: string, version = "1.1") =>
  `GET /hello HTTP/${version}\r\n${headers}\r\n`;

test.each(["x/hello?", "x?", "x#", "u@x", "x y", "x:y", "x:80:80", ":80", "[::1", "x\\y", "\xe9"])(
  "the Host %s is refused, and logged",
  async (host) => {
    const { server, ended } = await serveRoutes(hello);
    const request = Buffer.from(getHello(`Host: ${host}\r\n`), "latin1");
    const answer = await exchangeBytes(server.port, request, "}");
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
    expect(ended).toMatchObject([{ status: 400, route: "unknown" }]);
  },
);

test.each(["", "x", "x:", "x:99999", "[::1]:80", "a_b", "a%2fb"])(
  "the Host %s is taken, and has no say in the path",
  async (host) => {
    const { server, ended } = await serveRoutes(hello);
    const answer = await exchangeBytes(server.port, getHello(`Host: ${host}\r\n`), "}");
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(ended).toMatchObject([{ route: "/hello" }]);
  },
);

test.each(["", "Host: x\r\nHost: x\r\n", "Host: x\r\nhost: y\r\n"])(
  "HTTP/1.1 with %j for its Host is refused",
  async (headers) => {
    const { server } = await serveRoutes(hello);
    expect(await exchangeBytes(server.port, getHello(headers), "}"))
      .toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
  },
);

test("HTTP/1.0 needs no Host", async () => {
  const { server } = await serveRoutes(hello);
  expect(await exchangeBytes(server.port, getHello("", "1.0"), "}")).toMatch(/^HTTP\/1\.1 200 /);
});

const OFFERS = {
  h2c: "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAI\r\n",
  websocket: "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
};
const BODIES = {
  none: "\r\n",
  declared: "Content-Length: 5\r\n\r\nhello",
  chunked: "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
};
const offers = Object.keys(OFFERS).flatMap((offer) =>
  Object.keys(BODIES).map((body) => [offer, body] as [keyof typeof OFFERS, keyof typeof BODIES])
);

test.each(offers)("an offer of %s with body %s is ignored, twice", async (offer, body) => {
  const { server } = await serveRoutes(echo);
  const request = `POST /echo HTTP/1.1\r\nHost: x\r\n${OFFERS[offer]}${BODIES[body]}`;
  const socket = connect(server.port, LOOPBACK).setEncoding("utf8");
  for (let round = 0; round < 2; round++) {
    socket.write(request);
    const [answer] = await once(socket, "data") as [string];
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain(`{"bytes":${body === "none" ? 0 : 5}}`);
  }
  socket.destroy();
});

test("headers over the limit are refused", async () => {
  const { server } = await serveRoutes(hello);
  const more = `Host: x\r\nX: ${"a".repeat(20_000)}\r\n`;
  expect(await exchangeBytes(server.port, getHello(more), "}"))
    .toMatch(/^HTTP\/1\.1 431 .*application\/problem\+json/s);
});

test.each(["hello there\r\n\r\n", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"])(
  "%j is refused with a problem",
  async (bytes) => {
    const { server } = await serveRoutes(hello);
    expect(await exchangeBytes(server.port, bytes, "}"))
      .toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
  },
);
