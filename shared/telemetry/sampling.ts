import { z } from "zod";
import { childTraceparent, type PlaceInTrace } from "./traceparent.ts";

/** The samplers by the names that the OpenTelemetry specification gives them. */
const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
type SamplerName = (typeof SAMPLERS)[number];

export const samplingSettings = {
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default("parentbased_always_on"),
  /** The share of traces that the two ratio samplers keep. */
  OTEL_TRACES_SAMPLER_ARG: z.string()
    .refine((text) => /^(0(\.\d+)?|1(\.0+)?|\.\d+)$/.test(text), {
      error: "is not a share from 0 to 1, such as 0.01",
    })
    .transform(Number)
    .default(1),
};

export interface SamplingConfig {
  readonly OTEL_TRACES_SAMPLER: SamplerName;
  readonly OTEL_TRACES_SAMPLER_ARG: number;
}

const PARENT_BASED = "parentbased_";

/**
 * The sampler of the settings. A `parentbased_` sampler keeps the caller's decision and samples new
 * traces.
 */
export async function placeBySampler(config: SamplingConfig): Promise<PlaceInTrace> {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: share } = config;
  const sample = await rootSampler(name, share);
  if (name.startsWith(PARENT_BASED)) return (parent) => childTraceparent(parent, sample);
  return (parent) => {
    const place = childTraceparent(parent, sample);
    return parent ? `${place.slice(0, 53)}${sample(place.slice(3, 35)) ? "01" : "00"}` : place;
  };
}

/** @returns whether a trace with this id is sampled */
async function rootSampler(
  name: SamplerName,
  share: number,
): Promise<(traceId: string) => boolean> {
  switch (name) {
    case "always_on":
    case "parentbased_always_on":
      return () => true;
    case "always_off":
    case "parentbased_always_off":
      return () => false;
    case "traceidratio":
    case "parentbased_traceidratio":
      return await ratioSampler(share);
  }
}

/** The SDK's, loaded only when it is used: it is 250 modules. */
async function ratioSampler(share: number): Promise<(traceId: string) => boolean> {
  const { ROOT_CONTEXT } = await import("@opentelemetry/api");
  const { SamplingDecision, TraceIdRatioBasedSampler } = await import("@opentelemetry/sdk-trace");
  const sampler = new TraceIdRatioBasedSampler(share);
  return (traceId) => {
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
}
