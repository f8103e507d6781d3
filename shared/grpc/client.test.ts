import { expect, test } from "vitest";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/samples.ts";
import { series } from "../telemetry/test/samples.ts";
import { rememberedTracing } from "../telemetry/test/tracing.ts";
import { type GrpcClient, observedClient } from "./client.ts";

const TRACEPARENT = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const OTHER = `00-${"c".repeat(32)}-${"d".repeat(16)}-01`;

test("each call is measured and recorded as a span, with its result unchanged", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("cart");
  const context = new RequestContext({
    traceparent: TRACEPARENT,
    alsoServes: [OTHER],
    timeoutMs: 1_000,
    clock,
  });
  const missing = new AppError("not_found", "There is no stock of sku 2");
  const sent: (string | undefined)[] = [];
  const inner = {
    async call(
      _method: string,
      { sku }: { sku: number },
      _context: RequestContext,
      metadata: Record<string, string>,
    ) {
      sent.push(metadata["traceparent"]);
      await clock.advance(20);
      if (sku === 2) throw missing;
      return { count: 5n };
    },
    close: () => {},
  } as unknown as GrpcClient<LomsDefinition>;
  const tracing = rememberedTracing();
  const server = { service: "loms", address: "10.0.0.7", port: 50_051 };
  const client = observedClient(inner, { definition: LomsDefinition, server, metrics, tracing });
  expect(await client.call("stocksInfo", { sku: 1 }, context)).toEqual({ count: 5n });
  await expect(client.call("stocksInfo", { sku: 2 }, context)).rejects.toBe(missing);
  const samples = readSamples(await metrics.text());
  const sampleOf = (suffix: string, ending: object) =>
    samples.get(series(`rpc_client_call_duration_seconds_${suffix}`, {
      rpc_system_name: "grpc",
      server_address: "10.0.0.7",
      server_port: 50_051,
      server_service_name: "loms",
      rpc_method: "loms.v1.Loms/StocksInfo",
      ...ending,
    }));
  expect(sampleOf("sum", { rpc_status_code: "OK" })).toBeCloseTo(0.02);
  expect(sampleOf("count", { rpc_status_code: "NOT_FOUND", error_type: "NOT_FOUND" })).toBe(1);
  const name = "loms.v1.Loms/StocksInfo";
  const span = { parent: TRACEPARENT, links: [OTHER], name, kind: "client" };
  expect(tracing.spans).toMatchObject([
    { ...span, traceparent: sent[0], error: undefined },
    { ...span, traceparent: sent[1], error: "NOT_FOUND" },
  ]);
});
