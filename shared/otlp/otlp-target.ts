import type { Certificates } from "../http-client/direct-fetch.ts";
import { readPemFiles } from "../pem-files.ts";
import { readPairs } from "./otel-pairs.ts";
import type { TracingConfig } from "./otel-settings.ts";

const TRACES_PATH = "/v1/traces";
/**
 * A collector that takes longer has fallen behind; its spans are lost, and the next ones go out.
 */
const TIMEOUT_MS = 3_000;

/** Where batches of spans go, and how. */
export interface OtlpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: "protobuf" | "json";
  readonly gzip: boolean;
  readonly timeoutMs: number;
  readonly certificates: Certificates;
}

/**
 * What the settings say about it; undefined when spans go nowhere.
 * @throws {ConfigError} naming every certificate that cannot be read
 */
export function otlpTarget(config: TracingConfig): OtlpTarget | undefined {
  const url = urlOf(config);
  if (url === undefined || config.OTEL_TRACES_EXPORTER === "none") return undefined;
  const protocol = config.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? config.OTEL_EXPORTER_OTLP_PROTOCOL;
  const compression = config.OTEL_EXPORTER_OTLP_TRACES_COMPRESSION ??
    config.OTEL_EXPORTER_OTLP_COMPRESSION;
  const headers = [
    ...config.OTEL_EXPORTER_OTLP_HEADERS,
    ...config.OTEL_EXPORTER_OTLP_TRACES_HEADERS,
  ];
  return {
    url,
    headers: readPairs(headers),
    encoding: protocol === "http/json" ? "json" : "protobuf",
    gzip: compression === "gzip",
    timeoutMs: config.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? config.OTEL_EXPORTER_OTLP_TIMEOUT ??
      TIMEOUT_MS,
    certificates: certificatesOf(config),
  };
}

/** The endpoint of traces is taken as it is; the common one is where the path of traces begins. */
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
