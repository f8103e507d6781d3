import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/test-samples.ts";
import { childTraceparent } from "../../shared/telemetry/traceparent.ts";
import { measuring } from "./measuring.ts";
import type { RpcCall } from "./method.ts";

test("calls are measured by method, door and code", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("loms");
  const traceparent = childTraceparent(undefined);
  const context = new RequestContext({ traceparent, timeoutMs: 1_000, clock });
  const call = (door: RpcCall["door"]): RpcCall => ({
    method: "orderPay",
    door,
    context,
    read: () => ({}),
    idempotencyKeys: [],
  });
  const measured = measuring(metrics);
  const answer = await measured(call("grpc"), async () => {
    await clock.advance(10);
    return "payed";
  });
  expect(answer).toBe("payed");
  const refused = new AppError("failed_precondition", "the order is cancelled");
  await expect(measured(call("http"), () => Promise.reject(refused))).rejects.toBe(refused);
  const samples = readSamples(await metrics.text());
  const name = "rpc_server_call_duration_seconds";
  expect(samples.get(`${name}_sum{method="orderPay",door="grpc",status="ok"}`)).toBe(0.01);
  expect(samples.get(`${name}_count{method="orderPay",door="http",status="failed_precondition"}`))
    .toBe(1);
});
