import { type Certificates, readPemFiles } from "../pem-files.ts";
import { readPairs, type TracingConfig } from "./otel-settings.ts";

const TRACES_PATH = "/v1/traces";
/** A slower collector has fallen behind; the batch is dropped and the next one is sent. */
const TIMEOUT_MS = 3_000;

/** Destination and format of spans. */
export interface OtlpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: "protobuf" | "json";
  readonly gzip: boolean;
  readonly timeoutMs: number;
  readonly certificates: Certificates;
}

/**
 * The target in the settings; undefined if spans are not exported.
 * @throws {ConfigError} naming every certificate that cannot be read
 */
export function otlpTarget(config: TracingConfig): OtlpTarget | undefined {
  const url = urlOf(config);
  if (url === undefined || config.OTEL_TRACES_EXPORTER === "none") return undefined;
  const of = <Name extends "PROTOCOL" | "COMPRESSION" | "TIMEOUT">(name: Name) =>
    config[`OTEL_EXPORTER_OTLP_TRACES_${name}`] ?? config[`OTEL_EXPORTER_OTLP_${name}`];
  const { OTEL_EXPORTER_OTLP_HEADERS: common, OTEL_EXPORTER_OTLP_TRACES_HEADERS: own } = config;
  return {
    url,
    headers: readPairs([...common, ...own]),
    encoding: of("PROTOCOL") === "http/json" ? "json" : "protobuf",
    gzip: of("COMPRESSION") === "gzip",
    timeoutMs: of("TIMEOUT") ?? TIMEOUT_MS,
    certificates: certificatesOf(config),
  };
}

/** The endpoint of traces is used unchanged; the common one gets the path of traces. */
function urlOf(config: TracingConfig): string | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: base } = config;
  if (own !== undefined || base === undefined) return own;
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${TRACES_PATH}`;
  return url.href;
}

function certificatesOf(config: TracingConfig): Certificates {
  const read = (prefix: string) =>
    readPemFiles(config, {
      ca: `${prefix}CERTIFICATE`,
      cert: `${prefix}CLIENT_CERTIFICATE`,
      key: `${prefix}CLIENT_KEY`,
    });
  return { ...read("OTEL_EXPORTER_OTLP_"), ...read("OTEL_EXPORTER_OTLP_TRACES_") };
}
