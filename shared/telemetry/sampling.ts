import { ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
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

/** Who is sampled: with a `parentbased_` sampler the caller's word holds, and new traces are drawn. */
export function placeBySampler(config: SamplingConfig): PlaceInTrace {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: share } = config;
  const sampler = rootSampler(name, share);
  const sample = (traceId: string): boolean => {
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, "", SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
  if (name.startsWith(PARENT_BASED)) return (parent) => childTraceparent(parent, sample);
  return (parent) => {
    const place = childTraceparent(parent, sample);
    return parent ? `${place.slice(0, 53)}${sample(place.slice(3, 35)) ? "01" : "00"}` : place;
  };
}

function rootSampler(name: SamplerName, share: number): Sampler {
  switch (name) {
    case "always_on":
    case "parentbased_always_on":
      return new AlwaysOnSampler();
    case "always_off":
    case "parentbased_always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
    case "parentbased_traceidratio":
      return new TraceIdRatioBasedSampler(share);
  }
}
