import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { createLogger } from "../telemetry/log.ts";
import { answerJson, answerText, createHttpApp, mount } from "./app.ts";
import type { MountedRoute } from "./exchange.ts";
import { GZIP_MIN_BYTES } from "./negotiation.ts";
import { CONSTANT_HEADERS } from "./problem.ts";

const LARGE = { names: Array.from({ length: GZIP_MIN_BYTES }, () => "a") };
const PICTURE = new Uint8Array(GZIP_MIN_BYTES);

function answering() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    service: "cart",
    level: "info",
    format: "json",
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const app = createHttpApp({ log });
  const get = (path: string, run: MountedRoute["run"]) => ({ method: "get", path, run });
  mount(app, [
    get("/small", (c) => answerJson(c, 200, { a: 1 })),
    get("/large", (c) => answerJson(c, 200, LARGE)),
    get("/picture", (c) => answerText(c, 200, PICTURE, { "content-type": "image/png" })),
    get("/kept", (c) => answerText(c, 200, "a", { "cache-control": "no-cache" })),
    get("/broken", () => {
      throw new AppError("unavailable", "x".repeat(GZIP_MIN_BYTES));
    }),
    { method: "delete", path: "/small", run: (c) => answerJson(c, 204) },
  ]);
  const send = async (line: string, headers: Record<string, string> = {}) => {
    const [method = "", path = ""] = line.split(" ");
    return await app.request(path, { method, headers });
  };
  return { send, lines };
}

test.each(["GET /small", "DELETE /small", "GET /large", "GET /broken", "GET /no", "PUT /small"])(
  "%s is answered with every constant header and an id",
  async (line) => {
    const { headers } = await answering().send(line);
    expect(Object.fromEntries(headers)).toMatchObject(CONSTANT_HEADERS);
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f]{16}$/);
  },
);

test("a route can set other headers", async () => {
  const { headers } = await answering().send("GET /kept");
  expect(headers.get("cache-control")).toBe("no-cache");
  expect(headers.get("x-frame-options")).toBe("DENY");
});

test("a large answer is compressed only for callers that accept gzip", async () => {
  const { send, lines } = answering();
  const plain = await send("GET /large");
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect(plain.headers.get("vary")).toBe("accept-encoding");
  expect(await plain.json()).toEqual(LARGE);

  const compressed = await send("GET /large", { "accept-encoding": "gzip" });
  expect(compressed.headers.get("content-encoding")).toBe("gzip");
  expect(compressed.headers.get("vary")).toBe("accept-encoding");
  const bytes = new Uint8Array(await compressed.arrayBuffer());
  expect(JSON.parse(gunzipSync(bytes).toString())).toEqual(LARGE);
  expect(lines.map((line) => line["http_response_body_size"])).toEqual([
    JSON.stringify(LARGE).length,
    bytes.byteLength,
  ]);
});

test("a large problem is compressed, too", async () => {
  const answer = await answering().send("GET /broken", { "accept-encoding": "gzip" });
  expect([answer.status, answer.headers.get("content-encoding")]).toEqual([503, "gzip"]);
});

test.each(["/small", "/picture"])("%s is never compressed", async (path) => {
  const answer = await answering().send(`GET ${path}`, { "accept-encoding": "gzip" });
  expect(answer.headers.get("content-encoding")).toBeNull();
  expect(answer.headers.get("vary")).toBeNull();
});

test("HEAD has the headers of GET and no body", async () => {
  const { send } = answering();
  const answer = await send("HEAD /small");
  expect([answer.status, await answer.text()]).toEqual([200, ""]);
  expect(answer.headers.get("content-length")).toBe(`${`{"a":1}`.length}`);
  expect(answer.headers.get("content-type")).toBe("application/json");
});

test("OPTIONS returns the methods of a path that exists", async () => {
  const { send } = answering();
  const answer = await send("OPTIONS /small");
  expect([answer.status, await answer.text()]).toEqual([204, ""]);
  expect(answer.headers.get("allow")).toBe("GET, HEAD, DELETE");
  expect((await send("OPTIONS /no")).status).toBe(404);
});

test("the id of a request is in its answer and in its log line", async () => {
  const { send, lines } = answering();
  const given = await send("GET /small", { "x-request-id": "mine-7" });
  const made = (await send("GET /small")).headers.get("x-request-id");
  expect(given.headers.get("x-request-id")).toBe("mine-7");
  expect(lines.map((line) => line["request_id"])).toEqual(["mine-7", made]);
});

test.each(["7b0c9e", "01J:a/b+c=d@e_f-g.h", "x".repeat(128)])(
  "the caller's request id %s is kept",
  async (id) => {
    const answer = await answering().send("GET /small", { "x-request-id": id });
    expect(answer.headers.get("x-request-id")).toBe(id);
  },
);

test.each(["", "a b", `a"b`, "\xe4", "<script>", "{}", "x".repeat(129)])(
  "the request id %j is replaced",
  async (id) => {
    const answer = await answering().send("GET /small", { "x-request-id": id });
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f]{16}$/);
  },
);
