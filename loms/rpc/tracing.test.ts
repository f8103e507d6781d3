import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { AppError, type ErrorCode } from "../../shared/errors.ts";
import { rememberedTracing } from "../../shared/telemetry/test-tracing.ts";
import type { RpcCall } from "./method.ts";
import { tracing } from "./tracing.ts";

const place = (letter: string) => `00-${"a".repeat(32)}-${letter.repeat(16)}-01`;

async function spansOf(system: RpcCall["system"], failure?: ErrorCode) {
  const remembered = rememberedTracing();
  const clock = new VirtualClock();
  const at = { traceparent: place("b"), parent: place("c") };
  const context = new RequestContext({ ...at, timeoutMs: 1_000, clock });
  const method = "orderPay";
  const call: RpcCall = { method, system, context, read: () => 1, idempotencyKeys: [] };
  const next = () =>
    failure ? Promise.reject(new AppError(failure, "no")) : Promise.resolve(undefined);
  await tracing(remembered)(call, next).catch(() => {});
  return remembered.spans;
}

test("a call over gRPC is a span below its caller's", async () => {
  expect(await spansOf("grpc")).toMatchObject([{
    traceparent: place("b"),
    parent: place("c"),
    name: "loms.v1.Loms/OrderPay",
    kind: "server",
    attributes: {
      "rpc.system.name": "grpc",
      "rpc.method": "loms.v1.Loms/OrderPay",
      "rpc.status_code": "OK",
    },
    error: undefined,
  }]);
});

test.each<[ErrorCode, string | undefined]>([
  ["not_found", undefined],
  ["failed_precondition", undefined],
  ["unavailable", "UNAVAILABLE"],
  ["internal", "INTERNAL"],
])("%s sets the span's error to %s", async (code, error) => {
  const [span] = await spansOf("grpc", code);
  expect(span?.attributes["rpc.status_code"]).toBe(code.toUpperCase());
  expect(span?.error).toBe(error);
});

test("a call through the gateway has the span of its HTTP request alone", async () => {
  expect(await spansOf("http")).toEqual([]);
});
