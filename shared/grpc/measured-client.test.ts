import { expect, test } from "vitest";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/test-samples.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import type { GrpcClient } from "./client.ts";
import { measuredClient } from "./measured-client.ts";

test("calls are measured by method and code, and answer as before", async () => {
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
  const client = measuredClient(inner, "loms", metrics);
  expect(await client.call("stocksInfo", { sku: 1 }, context)).toEqual({ count: 5n });
  await expect(client.call("stocksInfo", { sku: 2 }, context)).rejects.toBe(missing);
  const samples = readSamples(await metrics.text());
  const name = "rpc_client_call_duration_seconds";
  const labels = (status: string) => `{peer="loms",method="stocksInfo",status="${status}"}`;
  expect(samples.get(`${name}_sum${labels("ok")}`)).toBeCloseTo(0.02);
  expect(samples.get(`${name}_count${labels("not_found")}`)).toBe(1);
});
