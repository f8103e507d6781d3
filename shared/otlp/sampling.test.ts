import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../config.ts";
import { samplingSettings, startBySampler } from "./sampling.ts";
import { isSampled } from "../telemetry/tracing.ts";

const SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED = `${SAMPLED.slice(0, 53)}00`;

async function samplerOf(name?: string, share?: string) {
  const environment = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: share };
  const start = await startBySampler(readConfig(samplingSettings, environment));
  return (parent?: string) => isSampled(start(parent));
}

test.each([
  [undefined, undefined, { root: true, sampled: true, unsampled: false }],
  ["always_on", undefined, { root: true, sampled: true, unsampled: true }],
  ["always_off", undefined, { root: false, sampled: false, unsampled: false }],
  ["parentbased_always_off", undefined, { root: false, sampled: true, unsampled: false }],
  ["parentbased_traceidratio", "0", { root: false, sampled: true, unsampled: false }],
  ["parentbased_traceidratio", "1", { root: true, sampled: true, unsampled: false }],
  ["traceidratio", "0", { root: false, sampled: false, unsampled: false }],
])("sampler %s with %s samples %j", async (name, share, expected) => {
  const isKept = await samplerOf(name, share);
  expect({ root: isKept(), sampled: isKept(SAMPLED), unsampled: isKept(UNSAMPLED) })
    .toEqual(expected);
});

test("a ratio keeps about that share of new traces", async () => {
  const isKept = await samplerOf("parentbased_traceidratio", "0.1");
  const kept = Array.from({ length: 10_000 }, () => isKept()).filter(Boolean).length;
  // Seven standard deviations around 1000.
  expect(kept).toBeGreaterThan(790);
  expect(kept).toBeLessThan(1_210);
});

test.each(["1.5", "-1", "half", "1%"])("a share of %s is refused", async (share) => {
  await expect(samplerOf("traceidratio", share)).rejects.toThrow(ConfigError);
});

test("an unknown sampler is refused", async () => {
  await expect(samplerOf("sometimes")).rejects.toThrow("OTEL_TRACES_SAMPLER");
});
