import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples, series } from "../../shared/telemetry/test-samples.ts";
import { childTraceparent } from "../../shared/telemetry/traceparent.ts";
import { measuring } from "./measuring.ts";
import type { RpcCall } from "./method.ts";

test("calls are measured by transport, method and status", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("loms");
  const traceparent = childTraceparent(undefined);
  const context = new RequestContext({ traceparent, timeoutMs: 1_000, clock });
  const call = (system: RpcCall["system"]): RpcCall => ({
    method: "orderPay",
    system,
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
  const away = new AppError("unavailable", "the database is away");
  await expect(measured(call("grpc"), () => Promise.reject(away))).rejects.toBe(away);
  const samples = readSamples(await metrics.text());
  const told = (suffix: string, system: string, ending: object) =>
    samples.get(series(`rpc_server_call_duration_seconds_${suffix}`, {
      rpc_system_name: system,
      rpc_method: "loms.v1.Loms/OrderPay",
      ...ending,
    }));
  expect(told("sum", "grpc", { rpc_status_code: "OK" })).toBe(0.01);
  expect(told("count", "http", { rpc_status_code: "FAILED_PRECONDITION" })).toBe(1);
  expect(told("count", "grpc", { rpc_status_code: "UNAVAILABLE", error_type: "UNAVAILABLE" }))
    .toBe(1);
});
