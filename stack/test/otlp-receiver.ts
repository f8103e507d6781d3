import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { readSpans, type ReceivedSpan } from "../otlp/read-spans.ts";

/** An OTLP/HTTP collector for protobuf that keeps what it receives. */
export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  /** All received spans, in their order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, response) => {
    if (request.url !== "/v1/traces" || request.method !== "POST") {
      response.writeHead(404).end();
      return;
    }
    spans.push(...readSpans(await readAll(request)));
    // An empty ExportTraceServiceResponse: everything was accepted.
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
