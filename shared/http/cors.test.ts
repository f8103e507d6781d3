import { expect, test } from "vitest";
import { answerJson } from "./answer.ts";
import { createHttpApp, mount } from "./app.ts";
import type { Exchange } from "./exchange.ts";

const FRIEND = "http://localhost:8084";
const others = [
  "http://localhost:8085",
  "https://localhost:8084",
  "http://localhost:80840",
  "null",
];

function appFor(origins: readonly string[]) {
  const exchanges: Exchange[] = [];
  const observers = [{ requestEnded: (exchange: Exchange) => void exchanges.push(exchange) }];
  const app = createHttpApp({ observers, origins });
  mount(app, [{ method: "post", path: "/thing", run: (c) => answerJson(c, 200, {}) }]);
  return { app, exchanges };
}

const preflight = (origin: string) => ({
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": "POST" },
});

test("an answer names the origin that asked, when that is allowed", async () => {
  const { app } = appFor([FRIEND]);
  const post = { method: "POST", headers: { origin: FRIEND } };
  for (const [path, status] of [["/thing", 200], ["/nowhere", 404]] as const) {
    const answer = await app.request(path, post);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe(FRIEND);
    expect(answer.headers.get("vary")).toContain("origin");
  }
});

test("a preflight is answered for an allowed origin, and seen by the observers", async () => {
  const { app, exchanges } = appFor([FRIEND]);
  const answer = await app.request("/thing", preflight(FRIEND));
  expect(answer.status).toBe(204);
  expect(answer.headers.get("access-control-allow-origin")).toBe(FRIEND);
  expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
  expect(answer.headers.get("access-control-allow-headers")).toContain("idempotency-key");
  expect(exchanges).toMatchObject([{ route: "preflight", status: 204 }]);
});

test.each(others)("origin %s is told nothing", async (origin) => {
  const { app } = appFor([FRIEND]);
  const answers = [
    await app.request("/thing", { method: "POST", headers: { origin } }),
    await app.request("/thing", preflight(origin)),
  ];
  for (const { headers } of answers) {
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
});

test("an app without origins tells no page anything", async () => {
  const { app } = appFor([]);
  const { headers } = await app.request("/thing", preflight(FRIEND));
  expect(headers.get("access-control-allow-origin")).toBeNull();
});
