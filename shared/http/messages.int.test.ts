import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { MountedRoute } from "./exchange.ts";
import { echo, exchangeBytes, hello, LOOPBACK, type Served, serveRoutes } from "./test/served.ts";

let opened: Served | undefined;
afterEach(() => opened?.server.close(0));

async function served(...routes: MountedRoute[]): Promise<Served> {
  return opened = await serveRoutes(...routes);
}

const getHello = (headers: string, version = "1.1") =>
  `GET /hello HTTP/${version}\r\n${headers}\r\n`;

test.each(["/made-up/../hello", "/./hello", "/made-up/%2e%2e/hello", "/hello/."])(
  "the path %s is used as it was sent",
  async (path) => {
    const { server } = await served(hello);
    const request = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await exchangeBytes(server.port, request, "There is no such route"))
      .toMatch(/^HTTP\/1\.1 404 /);
  },
);

test.each(["/hello", "/hello/", "/hello?a=/..", "http://b/hello", "HTTP://[::1]:80/hello"])(
  "the target %s leads to /hello",
  async (target) => {
    const { server } = await served(hello);
    const request = `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await exchangeBytes(server.port, request, `{"id":`)).toMatch(/^HTTP\/1\.1 200 /);
  },
);

test("the target * of OPTIONS means the server as a whole", async () => {
  const { server } = await served(hello);
  const request = (verb: string) => `${verb} * HTTP/1.1\r\nHost: a\r\n\r\n`;
  expect(await exchangeBytes(server.port, request("OPTIONS"), "\r\n\r\n"))
    .toMatch(/^HTTP\/1\.1 204 /);
  expect(await exchangeBytes(server.port, request("GET"), "}")).toMatch(/^HTTP\/1\.1 400 /);
});

test("a body that is rejected unread does not block the next request", async () => {
  const { server } = await served(hello, echo);
  const body = "a".repeat(2_000);
  const refused = `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n${body}`;
  const answers = await exchangeBytes(server.port, refused + getHello("Host: x\r\n"), `{"id":`);
  expect(answers.match(/HTTP\/1\.1 [0-9]+/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 200"]);
});

test.each(["x/hello?", "x?", "x#", "u@x", "x y", "x:y", "x:80:80", ":80", "[::1", "x\\y", "\xe9"])(
  "the Host %s is rejected, and logged",
  async (host) => {
    const { server, lines } = await served(hello);
    const request = Buffer.from(getHello(`Host: ${host}\r\n`), "latin1");
    const answer = await exchangeBytes(server.port, request, "}");
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
    expect(lines).toMatchObject([{ http_response_status_code: 400 }]);
    expect(lines[0]).not.toHaveProperty("http_route");
  },
);

test.each(["", "x", "x:", "x:99999", "[::1]:80", "a_b", "a%2fb"])(
  "the Host %s is accepted, and does not change the path",
  async (host) => {
    const { server, lines } = await served(hello);
    const answer = await exchangeBytes(server.port, getHello(`Host: ${host}\r\n`), "}");
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(lines).toMatchObject([{ http_route: "/hello" }]);
  },
);

test.each(["", "Host: x\r\nHost: x\r\n", "Host: x\r\nhost: y\r\n"])(
  "HTTP/1.1 with %j as its Host is refused",
  async (headers) => {
    const { server } = await served(hello);
    expect(await exchangeBytes(server.port, getHello(headers), "}"))
      .toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
  },
);

test("HTTP/1.0 needs no Host", async () => {
  const { server } = await served(hello);
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
  const { server } = await served(echo);
  const request = `POST /echo HTTP/1.1\r\nHost: x\r\n${OFFERS[offer]}${BODIES[body]}`;
  const socket = connect(server.port, LOOPBACK).setEncoding("utf8");
  for (let round = 0; round < 2; round++) {
    socket.write(request);
    let answer = "";
    // The head and the body may arrive one after the other.
    while (!answer.includes("}")) answer += (await once(socket, "data") as [string])[0];
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain(`{"bytes":${body === "none" ? 0 : 5}}`);
  }
  socket.destroy();
});

test("headers over the limit are rejected", async () => {
  const { server } = await served(hello);
  const more = `Host: x\r\nX: ${"a".repeat(20_000)}\r\n`;
  expect(await exchangeBytes(server.port, getHello(more), "}"))
    .toMatch(/^HTTP\/1\.1 431 .*application\/problem\+json/s);
});

test.each(["hello there\r\n\r\n", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"])(
  "%j is rejected with a problem",
  async (bytes) => {
    const { server } = await served(hello);
    expect(await exchangeBytes(server.port, bytes, "}"))
      .toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
  },
);

test("a client that resets its connection after CONNECT does not affect others", async () => {
  const { server } = await served(hello);
  for (let time = 0; time < 20; time++) {
    const socket = connect(server.port, LOOPBACK).on("error", () => {});
    await once(socket, "connect");
    socket.write("CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n");
    if (time % 2) await once(socket, "data");
    socket.resetAndDestroy();
  }
  const request = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  expect(await exchangeBytes(server.port, request, `{"id":`)).toMatch(/^HTTP\/1\.1 200 /);
});

test.each(["hello there\r\n\r\n", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"])(
  "%j after a request in progress gets no answer of its own",
  async (bytes) => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const held: MountedRoute = {
      method: "get",
      path: "/hello",
      async run(c) {
        arrived.resolve();
        await release.promise;
        return hello.run(c);
      },
    };
    const { server } = await served(held);
    const received = exchangeBytes(server.port, getHello("Host: x\r\n") + bytes, "HTTP/1.1");
    await arrived.promise;
    expect(await received).toBe("");
    release.resolve();
  },
);

test("a malformed body is rejected with a problem", async () => {
  const { server } = await served(echo);
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  expect(await exchangeBytes(server.port, `${head}5\r\nhello\r\nno size\r\n`, "}"))
    .toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
});
