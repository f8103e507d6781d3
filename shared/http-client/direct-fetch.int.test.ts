import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../stack/ports.ts";
import { createDirectFetch } from "./direct-fetch.ts";

const FIXTURE = fileURLToPath(new URL("direct-fetch-fixture.ts", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "-A"] : [];

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("directFetch() sends and reads headers and bodies", async () => {
  const host = await listen(async (request, response) => {
    const parts: string[] = [];
    for await (const part of request.setEncoding("utf8")) parts.push(String(part));
    const { method, url, headers } = request;
    const seen = { method, url, type: headers["content-type"], length: headers["content-length"] };
    response.writeHead(418, "Teapot", [["set-cookie", "a=1"], ["set-cookie", "b=2"]].flat());
    response.end(JSON.stringify({ ...seen, body: parts.join("") }));
  });
  const answer = await createDirectFetch()(`http://${host}/api?x=1`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "жду",
  });
  expect([answer.status, answer.statusText]).toEqual([418, "Teapot"]);
  expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await answer.json()).toEqual({
    method: "POST",
    url: "/api?x=1",
    type: "text/plain",
    length: "6",
    body: "жду",
  });
});

test("directFetch() sends the URL's credentials as Basic authorization", async () => {
  const host = await listen(({ headers }, response) => void response.end(headers.authorization));
  const fetch = createDirectFetch();
  const sent = async (init?: RequestInit) =>
    await (await fetch(`http://shop:p%40ss@${host}/`, init)).text();
  expect(await sent()).toBe("Basic c2hvcDpwQHNz");
  expect(await sent({ headers: { authorization: "Bearer other" } })).toBe("Bearer other");
});

test("directFetch() returns a redirect", async () => {
  const host = await listen((_, response) => {
    response.writeHead(307, { location: "http://elsewhere.example/" }).end();
  });
  const answer = await createDirectFetch()(`http://${host}/`, { method: "POST", body: "secret" });
  expect([answer.status, answer.headers.get("location")])
    .toEqual([307, "http://elsewhere.example/"]);
});

test("directFetch() rejects with the reason of a signal that aborts", async () => {
  const host = await listen(() => {});
  const reason = new Error("enough");
  const controller = new AbortController();
  const answer = createDirectFetch()(`http://${host}/`, { signal: controller.signal });
  const rejected = expect(answer).rejects.toBe(reason);
  setImmediate(() => controller.abort(reason));
  await rejected;
});

test("directFetch() rejects when nothing listens, without the URL's password", async () => {
  const [port] = await freePorts(1);
  const url = `http://shop:hunter2@127.0.0.1:${port}/`;
  const error = await createDirectFetch()(url).catch(String);
  expect(error).toContain("ECONNREFUSED");
  expect(error).not.toContain("hunter2");
});

test("directFetch() rejects an answer that changes the protocol", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {}).once("data", () => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
      );
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await expect(createDirectFetch()(`http://127.0.0.1:${port}/`))
    .rejects.toThrow("closed without a response");
});

test("directFetch() returns no body where there is none", async () => {
  const host = await listen((_, response) => void response.writeHead(204).end());
  const answer = await createDirectFetch()(`http://${host}/`);
  expect([answer.status, answer.body]).toEqual([204, null]);
});

test.each([
  [["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]],
  [["http_proxy", "https_proxy", "all_proxy"]],
])("directFetch() connects to the host of the URL, whatever %j names", async (names) => {
  let proxied = 0;
  const proxy = await listen((_, response) => {
    proxied++;
    response.writeHead(502).end("proxy ");
  });
  const host = await listen((_, response) => void response.end("direct "));
  const proxies = Object.fromEntries(names.map((name) => [name, `http://${proxy}`]));
  // Makes Node, and node:http on Deno, use them.
  const environment = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: "1", NO_PROXY: "", ...proxies };
  const said = await new Promise<string>((resolve) => {
    const options = { env: environment };
    const args = [...RUN, FIXTURE, `http://${host}/`];
    execFile(process.execPath, args, options, (error, out) => resolve(error?.message ?? out));
  });
  expect(said).toBe("direct direct ");
  expect(proxied).toBe(0);
});
