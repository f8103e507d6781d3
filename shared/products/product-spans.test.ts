import { expect, test } from "vitest";
import { VirtualClock } from "../async/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { rememberedTracing } from "../telemetry/test-tracing.ts";
import {
  compose,
  type ProductAnswer,
  type ProductCall,
  ProductFault,
  retryCalls,
} from "./pipeline.ts";
import { productServer } from "./product-server.ts";
import { productSpans } from "./product-spans.ts";

const PLACE = `00-${"a".repeat(32)}-${"1".repeat(16)}-01`;

function setUp(...outcomes: (number | Error)[]) {
  const tracing = rememberedTracing();
  const clock = new VirtualClock();
  const sent: string[] = [];
  const { aroundCall, aroundTry } = productSpans(
    tracing,
    clock,
    productServer("http://user:secret@10.0.0.9:8090/v1/"),
  );
  const transport = ({ traceparent }: ProductCall): Promise<ProductAnswer> => {
    sent.push(traceparent);
    const outcome = outcomes.shift();
    if (outcome instanceof Error) return Promise.reject(outcome);
    return Promise.resolve({ status: outcome ?? 0, body: "{}" });
  };
  const retrying = retryCalls({
    ...{ retriesMax: 3, backoffMs: 0, backoffMaxMs: 0, clock, random: () => 0 },
  });
  const failOnServerError = (next: typeof transport) => async (call: ProductCall) => {
    const answer = await next(call);
    if (answer.status >= 500) throw new ProductFault("busy", { passing: true });
    return answer;
  };
  const send = compose(transport, aroundCall, retrying, failOnServerError, aroundTry);
  const deadline = { deadlineAt: Infinity, signal: new AbortController().signal };
  const call = (traceparent = PLACE) =>
    send({ method: "get_product", body: `{"token":"secret"}`, traceparent, deadline });
  return { call, clock, sent, spans: tracing.spans };
}

test("a call is one span, its attempts are events, and the server's span is below it", async () => {
  const { call, clock, sent, spans } = setUp(503, 200);
  const answer = call();
  await clock.advance(1);
  await answer;
  expect(spans).toMatchObject([{
    name: "POST /get_product",
    kind: "client",
    parent: PLACE,
    attributes: {
      "server.address": "10.0.0.9",
      "server.port": 8090,
      "url.full": "http://10.0.0.9:8090/v1/get_product",
      "url.template": "/get_product",
      "http.request.resend_count": 1,
      "http.response.status_code": 200,
    },
    events: [
      {
        name: "try",
        attributes: { "http.request.resend_count": 0, "http.response.status_code": 503 },
      },
      {
        name: "retry",
        attributes: { "http.request.resend_count": 1, "http.response.status_code": 200 },
      },
    ],
    error: undefined,
  }]);
  expect(sent).toEqual([spans[0]?.traceparent, spans[0]?.traceparent]);
  expect(JSON.stringify(spans)).not.toContain("secret");
});

test("the span of a failed call has the last outcome", async () => {
  const { call, spans } = setUp(new ProductFault("no answer", { passing: false }));
  await expect(call()).rejects.toThrow("no answer");
  expect(spans).toMatchObject([{ error: "no_answer" }]);
});

test("the span of a call that timed out has that code", async () => {
  const { call, spans } = setUp(new AppError("deadline_exceeded", "too late"));
  await expect(call()).rejects.toThrow("too late");
  expect(spans).toMatchObject([{ error: "deadline_exceeded" }]);
});

test("what is not sampled is sent as it is", async () => {
  const { call, sent, spans } = setUp(200);
  const unsampled = `${PLACE.slice(0, 53)}00`;
  await call(unsampled);
  expect([sent, spans]).toEqual([[unsampled], []]);
});
