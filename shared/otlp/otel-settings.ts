import { z } from "zod";
import {
  type Environment,
  httpUrl,
  listOf,
  readConfig,
  type SettingProblem,
  withLocalStack,
} from "../config.ts";
import { samplingSettings } from "./sampling.ts";

// OpenTelemetry's variables, as its specification names them. Unsupported ones are refused or
// reported in a warning.

/** The specification's default endpoint. */
const DEFAULT_ENDPOINT = "http://localhost:4318";
/** The queue of spans drops a batch after this time, whatever the exporter's timeout. */
const TIMEOUT_MAX_MS = 30_000;
const PREFIX = "OTEL_";

function oneOf<const Value extends string>(values: readonly Value[], why: string) {
  const error = `is ${values.join(" or ")} here: ${why}`;
  return z.string().toLowerCase().pipe(z.enum(values, { error })).optional();
}

/** Pairs as OpenTelemetry writes them: `name=value`, comma separated, percent-encoded. */
function pairs(name: RegExp, value: RegExp, what: string) {
  // A header may be a secret, so the message does not repeat it.
  const error = `is not ${what} such as name=value`;
  const isPair = (text: string) => {
    const [[first, second] = ["", ""]] = Object.entries(readPairs([text]));
    return text.includes("=") && name.test(first) && value.test(second);
  };
  return listOf(z.string().refine(isPair, { error })).prefault("");
}

/** Valid names and values of HTTP headers. */
const header = pairs(/^[!#$%&'*+.^_`|~\w-]+$/, /^[\t\x20-\x7e\x80-\xff]*$/, "a header");
const protocol = oneOf(["http/protobuf", "http/json"], "a collector takes both on port 4318");
const compression = oneOf(["gzip", "none"], "collectors know no other");
const file = z.string().optional();
const timeout = z.string()
  .refine((text) => /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= TIMEOUT_MAX_MS, {
    error: `is not a number of milliseconds from 1 to ${TIMEOUT_MAX_MS}`,
  })
  .transform(Number)
  .optional();

/**
 * The telemetry settings of every service. A setting for traces takes precedence over the common
 * one.
 */
export const tracingSettings = {
  OTEL_SDK_DISABLED: oneOf(["true", "false"], "it disables all of OpenTelemetry"),
  OTEL_TRACES_EXPORTER: oneOf(["otlp", "none"], "spans go out over OTLP"),
  OTEL_METRICS_EXPORTER: oneOf(["prometheus", "none"], "metrics are served at /metrics"),
  OTEL_LOGS_EXPORTER: oneOf(["console", "none"], "log lines go to standard output"),
  OTEL_PROPAGATORS: oneOf(["tracecontext"], "nothing else is passed on"),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs(/^[^\s]+$/, /^/, "an attribute"),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: header,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: header,
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_COMPRESSION: compression,
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: compression,
  OTEL_EXPORTER_OTLP_TIMEOUT: timeout,
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: timeout,
  OTEL_EXPORTER_OTLP_CERTIFICATE: file,
  OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: file,
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file,
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: file,
  OTEL_EXPORTER_OTLP_CLIENT_KEY: file,
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: file,
  ...samplingSettings,
};

export type TracingConfig = z.output<z.ZodObject<typeof tracingSettings>>;

/**
 * Reads the settings of a service, {@link tracingSettings} among them.
 * @param options.local the settings that the local stack provides if they are not set
 * @throws {ConfigError} naming every invalid setting
 */
export function readServiceConfig<Shape extends z.ZodRawShape & typeof tracingSettings>(
  shape: Shape,
  environment: Environment,
  { local, check }: {
    readonly local: readonly string[];
    readonly check: (config: z.output<z.ZodObject<Shape>>) => readonly SettingProblem[];
  },
) {
  const given = otelEnvironment(withLocalStack(environment, local));
  const config = readConfig(shape, given, (config) => [
    ...check(config),
    ...checkTracing(config as TracingConfig),
  ]);
  return { ...config, OTEL_UNUSED: unusedOtel(given) };
}

/**
 * Applies OpenTelemetry's rules to the environment: a disabled SDK ignores all other variables, and
 * a selected exporter has a default endpoint.
 */
export function otelEnvironment(environment: Environment): Environment {
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") {
    const others = Object.entries(environment).filter(([name]) => !name.startsWith(PREFIX));
    return { ...Object.fromEntries(others), OTEL_SDK_DISABLED: "true" };
  }
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = environment;
  const isGiven = OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (isGiven || environment["OTEL_TRACES_EXPORTER"]?.toLowerCase() !== "otlp") return environment;
  return { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: DEFAULT_ENDPOINT };
}

/** The names of OpenTelemetry's variables that are set but have no effect. */
export function unusedOtel(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && environment[name] && !(name in tracingSettings))
    .toSorted();
}

/** Finds contradictory settings. */
export function checkTracing(config: TracingConfig): SettingProblem[] {
  return ["OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"].flatMap((prefix) => {
    const names = [`${prefix}CLIENT_CERTIFICATE`, `${prefix}CLIENT_KEY`] as const;
    const missing = names.filter((name) => !config[name as keyof TracingConfig]);
    const given = names.find((name) => !missing.includes(name));
    return given && missing[0] ? [{ name: given, message: `needs ${missing[0]}` }] : [];
  });
}

/**
 * Parses and decodes `name=value` pairs in OpenTelemetry's format; the last value of a name counts.
 */
export function readPairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), decode(pair.slice(at + 1).trim())];
  }));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
