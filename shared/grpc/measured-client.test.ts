import { expect, test } from "vitest";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples, series } from "../telemetry/test-samples.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import type { GrpcClient } from "./client.ts";
import { measuredClient } from "./measured-client.ts";

test("calls are measured by method, status and server, and answer as before", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("cart");
  const context = new RequestContext({
    traceparent: childTraceparent(undefined),
    timeoutMs: 1_000,
    clock,
  });
  const missing = new AppError("not_found", "There is no stock of sku 2");
  const inner = {
    async call(_method: string, { sku }: { sku: number }) {
      await clock.advance(20);
      if (sku === 2) throw missing;
      return { count: 5n };
    },
    close: () => {},
  } as unknown as GrpcClient<LomsDefinition>;
  const server = { service: "loms", address: "10.0.0.7", port: 50_051 };
  const client = measuredClient(inner, LomsDefinition, server, metrics);
  expect(await client.call("stocksInfo", { sku: 1 }, context)).toEqual({ count: 5n });
  await expect(client.call("stocksInfo", { sku: 2 }, context)).rejects.toBe(missing);
  const samples = readSamples(await metrics.text());
  const told = (suffix: string, ending: object) =>
    samples.get(series(`rpc_client_call_duration_seconds_${suffix}`, {
      rpc_system_name: "grpc",
      server_address: "10.0.0.7",
      server_port: 50_051,
      server_service_name: "loms",
      rpc_method: "loms.v1.Loms/StocksInfo",
      ...ending,
    }));
  expect(told("sum", { rpc_status_code: "OK" })).toBeCloseTo(0.02);
  expect(told("count", { rpc_status_code: "NOT_FOUND", error_type: "NOT_FOUND" })).toBe(1);
});
