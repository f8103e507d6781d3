import { expect, test } from "vitest";
import { RateLimit } from "../async/rate-limit.ts";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/virtual-clock.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/test-samples.ts";
import { limitRate, type ProductCall } from "./pipeline.ts";
import { permitMetrics } from "./product-metrics.ts";
import { TRACEPARENT } from "./test-product-client.ts";

test("each wait for a turn is measured by how it ended", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("cart");
  const options = { subject: "product service", permits: 1, windowMs: 1_000, useMaxMs: 500, clock };
  const send = limitRate(new RateLimit(options), clock, permitMetrics(metrics))(
    () => Promise.resolve({ status: 200, body: "" }),
  );
  const call = (timeoutMs: number, callerSignal?: AbortSignal) => {
    const context = new RequestContext({
      traceparent: TRACEPARENT,
      timeoutMs,
      callerSignal,
      clock,
    });
    return send({ deadline: context } as unknown as ProductCall).catch(() => {});
  };
  const leaving = new AbortController();
  const calls = [call(5_000), call(5_000), call(100), call(5_000, leaving.signal)];
  await clock.advance(400);
  leaving.abort();
  await clock.advance(5_000);
  await Promise.all(calls);
  const samples = readSamples(await metrics.text());
  const reported = (outcome: string) =>
    ["count", "sum"].map((part) =>
      samples.get(`product_limiter_wait_seconds_${part}{outcome="${outcome}"}`)
    );
  expect(reported("granted")).toEqual([2, 1]);
  expect(reported("refused")).toEqual([1, 0]);
  expect(reported("given_up")).toEqual([1, 0.4]);
});
