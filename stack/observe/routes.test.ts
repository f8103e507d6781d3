import { expect, test } from "vitest";
import { createHttpApp, mount } from "../../shared/http/app.ts";
import { Charts } from "./charts.ts";
import { LogLines } from "./log-lines.ts";
import { forLoopback } from "./observer.ts";
import { apiRoutes, pageRoutes } from "./routes.ts";
import { Scraping } from "./scraping.ts";
import { Traces } from "./traces.ts";

const charts = new Charts();
const app = createHttpApp();
mount(app, [
  ...pageRoutes(),
  ...apiRoutes({
    traces: new Traces(),
    lines: new LogLines(),
    charts,
    scraping: new Scraping(charts),
  }),
]);

function sendSpans(body: string, type = "application/x-protobuf") {
  return app.request("/v1/traces", { method: "POST", body, headers: { "content-type": type } });
}

test("a body that is not protobuf is refused", async () => {
  expect((await sendSpans("{}", "application/json")).status).toBe(415);
  expect((await sendSpans("no protobuf")).status).toBe(400);
  expect((await sendSpans("a".repeat(5 << 20))).status).toBe(413);
  expect((await sendSpans("")).status).toBe(200);
});

test("an unknown trace is not found", async () => {
  expect((await app.request(`/api/traces/${"a".repeat(32)}`)).status).toBe(404);
});

test("the page loads only its own resources", async () => {
  const answer = await app.request("/");
  expect(answer.status).toBe(200);
  const policy = answer.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  const files = (await answer.text()).matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g);
  for (const [, file] of files) expect((await app.request(`/${file}`)).status).toBe(200);
});

test("a request with another Host than a loopback name is refused", async () => {
  const guarded = forLoopback((request) => app.fetch(request));
  const statusUnder = async (host: string) =>
    (await guarded(new Request("http://localhost/", { headers: { host } }))).status;
  expect(await statusUnder("stranger.example:8088")).toBe(421);
  expect(await statusUnder("")).toBe(421);
  expect(await statusUnder("localhost/")).toBe(421);
  for (const host of ["127.0.0.1:8088", "LocalHost:8088", "[::1]:8088"]) {
    expect(await statusUnder(host)).toBe(200);
  }
});
