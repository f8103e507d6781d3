import { expect, test } from "vitest";
import { createLogger } from "../telemetry/log.ts";
import { answerJson, createHttpApp, mount } from "./app.ts";

const FRIEND = "http://localhost:8084";
const others = [
  "http://localhost:8085",
  "https://localhost:8084",
  "http://localhost:80840",
  "null",
];

function appFor(origins: readonly string[]) {
  const lines: unknown[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  const log = createLogger({ service: "cart", level: "info", format: "json", write });
  const app = createHttpApp({ log, origins });
  mount(app, [{ method: "post", path: "/thing", run: (c) => answerJson(c, 200, {}) }]);
  return { app, lines };
}

const preflight = (origin: string) => ({
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": "POST" },
});

test("an answer to an allowed origin names it", async () => {
  const { app } = appFor([FRIEND]);
  const post = { method: "POST", headers: { origin: FRIEND } };
  for (const [path, status] of [["/thing", 200], ["/nowhere", 404]] as const) {
    const answer = await app.request(path, post);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe(FRIEND);
    expect(answer.headers.get("vary")).toContain("origin");
  }
});

test("a preflight is answered for an allowed origin, and logged", async () => {
  const { app, lines } = appFor([FRIEND]);
  const answer = await app.request("/thing", preflight(FRIEND));
  expect(answer.status).toBe(204);
  expect(answer.headers.get("access-control-allow-origin")).toBe(FRIEND);
  expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
  expect(answer.headers.get("access-control-allow-headers")).toContain("idempotency-key");
  expect(lines).toMatchObject([{ http_route: "preflight", http_response_status_code: 204 }]);
});

test.each(others)("origin %s gets no CORS header", async (origin) => {
  const { app } = appFor([FRIEND]);
  const answers = [
    await app.request("/thing", { method: "POST", headers: { origin } }),
    await app.request("/thing", preflight(origin)),
  ];
  for (const { headers } of answers) {
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
});

test("an app without origins sends no CORS header", async () => {
  const { app } = appFor([]);
  const { headers } = await app.request("/thing", preflight(FRIEND));
  expect(headers.get("access-control-allow-origin")).toBeNull();
});
