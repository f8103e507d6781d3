import { promisify } from "node:util";
import zlib from "node:zlib";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { createDirectFetch } from "../http-client/direct-fetch.ts";
import type { OtlpTarget } from "./otlp-target.ts";

const compress = promisify(zlib.gzip);

/** Values of `ExportResultCode`. */
const SUCCESS = 0;
const FAILED = 1;

const ENCODINGS = {
  protobuf: { contentType: "application/x-protobuf", serializer: ProtobufTraceSerializer },
  json: { contentType: "application/json", serializer: JsonTraceSerializer },
} as const;

/**
 * Exports spans over OTLP/HTTP. The SDK's exporter reads the environment itself and retries for
 * longer than a stop may take; this one drops a failed batch.
 * @param onBatch called with the size of each batch; `error` is set if it was lost
 */
export function otlpExporter(
  target: OtlpTarget,
  userAgent: string,
  onBatch: (spans: number, error?: unknown) => void,
): SpanExporter {
  const { url, encoding, gzip, timeoutMs } = target;
  const { contentType, serializer } = ENCODINGS[encoding];
  const fetch = createDirectFetch(target.certificates);
  const headers = {
    "user-agent": userAgent,
    ...target.headers,
    "content-type": contentType,
    ...gzip && { "content-encoding": "gzip" },
  };
  const send = async (spans: ReadableSpan[]): Promise<void> => {
    const bytes = serializer.serializeRequest(spans) as Uint8Array<ArrayBuffer>;
    const body = gzip ? new Uint8Array(await compress(bytes)) : bytes;
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { method: "POST", headers, body, signal });
    // Read to the end, so that the connection can be reused.
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the collector answered with status ${response.status}`);
  };
  return {
    export(spans, done) {
      send(spans).then(
        () => {
          onBatch(spans.length);
          done({ code: SUCCESS });
        },
        (error: Error) => {
          onBatch(spans.length, error);
          done({ code: FAILED, error });
        },
      );
    },
    shutdown: () => Promise.resolve(),
  };
}
