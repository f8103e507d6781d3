import { promisify } from "node:util";
import zlib from "node:zlib";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { createDirectFetch, type Fetch } from "../http-client/direct-fetch.ts";
import type { OtlpTarget } from "./otlp-target.ts";

const compress = promisify(zlib.gzip);

/** The two outcomes of `ExportResultCode`. */
const SUCCESS = 0;
const FAILED = 1;

const ENCODINGS = {
  protobuf: { contentType: "application/x-protobuf", serializer: ProtobufTraceSerializer },
  json: { contentType: "application/json", serializer: JsonTraceSerializer },
} as const;

export interface OtlpExporterOptions {
  readonly target: OtlpTarget;
  /** Who sends, as the collector sees it. */
  readonly userAgent: string;
  /** Called with the size of each batch; `error` says why it was lost. */
  readonly onBatch: (spans: number, error?: unknown) => void;
}

/**
 * Spans over OTLP/HTTP. The SDK's own exporter reads the environment by itself and tries again for
 * longer than a stop may take; a batch that does not arrive is lost here.
 */
export class OtlpExporter implements SpanExporter {
  readonly #options: OtlpExporterOptions;
  readonly #fetch: Fetch;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: OtlpExporterOptions) {
    const { headers, encoding, gzip, certificates } = options.target;
    this.#options = options;
    this.#fetch = createDirectFetch(certificates);
    this.#headers = {
      "user-agent": options.userAgent,
      ...headers,
      "content-type": ENCODINGS[encoding].contentType,
      ...gzip && { "content-encoding": "gzip" },
    };
  }

  export(...[spans, done]: Parameters<SpanExporter["export"]>): void {
    this.#send(spans).then(
      () => {
        this.#options.onBatch(spans.length);
        done({ code: SUCCESS });
      },
      (error: Error) => {
        this.#options.onBatch(spans.length, error);
        done({ code: FAILED, error });
      },
    );
  }

  async #send(spans: ReadableSpan[]): Promise<void> {
    const { url, encoding, gzip, timeoutMs } = this.#options.target;
    const bytes = ENCODINGS[encoding].serializer.serializeRequest(spans) as Uint8Array<ArrayBuffer>;
    const response = await this.#fetch(url, {
      method: "POST",
      headers: this.#headers,
      body: gzip ? new Uint8Array(await compress(bytes)) : bytes,
      signal: AbortSignal.timeout(timeoutMs),
    });
    // Read to its end, so that the connection can be used again.
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the collector answered with status ${response.status}`);
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
