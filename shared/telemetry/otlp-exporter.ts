import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

const PATH = "/v1/traces";
/** A collector that takes longer has fallen behind; its spans are lost, and the next ones go out. */
const SEND_TIMEOUT_MS = 3_000;
/** The two outcomes of `ExportResultCode`. */
const SUCCESS = 0;
const FAILED = 1;

export interface OtlpExporterOptions {
  /** Of a collector; the path of traces is added. */
  readonly endpoint: string;
  /** Sent along, for a collector that wants to know who speaks. */
  readonly headers: Readonly<Record<string, string>>;
  /** Is told of each batch. `error` says why it was lost. */
  readonly onBatch: (spans: number, error?: unknown) => void;
}

/**
 * Spans over OTLP/HTTP in protobuf. The SDK's own exporter reads the environment by itself and tries
 * again for longer than a stop may take; a batch that does not arrive is lost here.
 */
export class OtlpExporter implements SpanExporter {
  readonly #url: string;
  readonly #options: OtlpExporterOptions;

  constructor(options: OtlpExporterOptions) {
    this.#url = `${options.endpoint.replace(/\/+$/, "")}${PATH}`;
    this.#options = options;
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
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { ...this.#options.headers, "content-type": "application/x-protobuf" },
      body: ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array<ArrayBuffer>,
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
      // A redirect would hand the headers to somebody else.
      redirect: "manual",
    });
    // Read to its end, so that the connection can be used again.
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the collector answered with status ${response.status}`);
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
