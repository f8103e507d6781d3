import { z } from "zod";
import {
  type Sampling,
  startAlwaysBy,
  startParentBased,
  type StartTraceparent,
} from "../telemetry/tracing.ts";

/** The samplers, by the names of OpenTelemetry's specification. */
const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

export const samplingSettings = {
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default("parentbased_always_on"),
  /** The ratio of traces that the ratio samplers keep. */
  OTEL_TRACES_SAMPLER_ARG: z.string()
    .refine((text) => /^(0(\.\d+)?|1(\.0+)?|\.\d+)$/.test(text), {
      error: "is not a share from 0 to 1, such as 0.01",
    })
    .transform(Number)
    .default(1),
};

type SamplingConfig = z.output<z.ZodObject<typeof samplingSettings>>;

const PARENT_BASED = "parentbased_";

/**
 * Samples traces according to the settings. A `parentbased_` sampler keeps the caller's decision
 * and decides only on new traces.
 */
export async function startBySampler(config: SamplingConfig): Promise<StartTraceparent> {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: share } = config;
  const sampling = name.endsWith("traceidratio")
    ? await ratioSampling(share)
    : name.endsWith("always_on");
  return name.startsWith(PARENT_BASED) ? startParentBased(sampling) : startAlwaysBy(sampling);
}

/** The SDK's samplers, loaded only when used: they have 250 modules. */
async function ratioSampling(share: number): Promise<Sampling> {
  const { ROOT_CONTEXT } = await import("@opentelemetry/api");
  const { SamplingDecision, TraceIdRatioBasedSampler } = await import("@opentelemetry/sdk-trace");
  const sampler = new TraceIdRatioBasedSampler(share);
  return (traceId) => {
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
}
