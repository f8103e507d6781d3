import { expect, test } from "vitest";
import { createLogger } from "../telemetry/log.ts";
import { createHttpApp, mount } from "./app.ts";
import { logLevelRoutes } from "./profile-listener.ts";

function openApp() {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = createLogger({ service: "cart", level: "info", format: "json", write });
  const app = createHttpApp();
  mount(app, logLevelRoutes(log));
  const request = async (query: string, method = "PUT") => {
    const response = await app.request(`/debug/log-level${query}`, { method });
    return { status: response.status, body: await response.json() as object };
  };
  return { log, lines, request };
}

test("the log level is returned, and changed while the process runs", async () => {
  const { log, lines, request } = openApp();
  expect(await request("", "GET")).toEqual({ status: 200, body: { level: "info" } });
  log.debug("quiet");
  expect(await request("?level=debug")).toEqual({ status: 200, body: { level: "debug" } });
  log.debug("loud");
  expect(lines.map((line) => (JSON.parse(line) as { message: string }).message))
    .toEqual(["the log's level changed", "loud"]);
});

test.each(["", "?level=", "?level=loud", "?level=DEBUG"])("PUT %s is refused", async (query) => {
  const { log, request } = openApp();
  expect(await request(query)).toMatchObject({
    status: 400,
    body: { errors: [{ path: "level", message: "must be one of debug, info, warn, error" }] },
  });
  expect(log.level).toBe("info");
});
