import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { rememberedTracing } from "../telemetry/test-tracing.ts";
import { answerJson } from "./answer.ts";
import { createHttpApp, mount } from "./app.ts";
import { requestSpans } from "./request-spans.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function traced() {
  const tracing = rememberedTracing();
  const app = createHttpApp({ observers: [requestSpans(tracing)], place: tracing.place });
  mount(app, [
    { method: "get", path: "/user/{user_id}", run: (c) => answerJson(c, 200, { ok: true }) },
    { method: "get", path: "/healthz", run: (c) => answerJson(c, 200, {}) },
    {
      method: "get",
      path: "/away",
      run() {
        throw new AppError("unavailable", "loms is away");
      },
    },
  ]);
  return { app, spans: tracing.spans };
}

test("requestSpans() records a request below its caller, without its path", async () => {
  const { app, spans } = traced();
  await app.request("/user/not-an-id-of-digits", { headers: { traceparent: PARENT } });
  expect(spans).toMatchObject([{
    traceparent: expect.stringContaining(PARENT.slice(3, 35)),
    parent: PARENT,
    name: "GET /user/{user_id}",
    kind: "server",
    attributes: { "http.route": "/user/{user_id}", "http.response.status_code": 200 },
    error: undefined,
  }]);
  expect(JSON.stringify(spans)).not.toContain("not-an-id-of-digits");
});

test("requestSpans() marks what is the server's fault, and nothing else", async () => {
  const { app, spans } = traced();
  await app.request("/away");
  await app.request("/nowhere", { method: "MADEUP" });
  expect(spans.map(({ name, error }) => [name, error])).toEqual([
    ["GET /away", "unavailable"],
    ["HTTP", undefined],
  ]);
  expect(spans[1]?.attributes).toMatchObject({ "http.request.method": "_OTHER" });
  expect(spans[1]?.attributes).not.toHaveProperty("http.route");
});

test("a probe is traced for a caller that asks for it, and else is not", async () => {
  const { app, spans } = traced();
  await app.request("/healthz");
  expect(spans).toEqual([]);
  await app.request("/healthz", { headers: { traceparent: PARENT } });
  expect(spans).toHaveLength(1);
});
