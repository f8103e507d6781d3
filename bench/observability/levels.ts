/** A level of telemetry; each adds to the one before. */
export interface Level {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Makes subject.ts replace its metrics with no-ops. */
export const METRICS_OFF = { BENCH_METRICS: "off" };
/** Successful requests are logged at `info`. */
const LOGS_OFF = { LOG_LEVEL: "error" };

/** The levels, starting with none; spans go to `collector`. */
export function levels(collector: string): readonly Level[] {
  const traces = (share: string) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: share,
  });
  return [
    { name: "everything off", settings: { ...METRICS_OFF, ...LOGS_OFF } },
    { name: "metrics", settings: LOGS_OFF },
    { name: "+ logs", settings: {} },
    { name: "+ traces of 1 %", settings: traces("0.01") },
    { name: "+ traces of 100 %", settings: traces("1") },
  ];
}
