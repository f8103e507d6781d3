import { Buffer } from "node:buffer";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { startOtlpReceiver } from "../../stack/test/otlp-receiver.ts";
import { createLogger } from "../telemetry/log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { openTracing } from "./open-tracing.ts";
import { readServiceConfig, tracingSettings } from "./otel-settings.ts";
import { readSamples } from "../telemetry/samples.ts";
import type { SpanRecord } from "../telemetry/tracing.ts";

const PLACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let server: Server | undefined;
// A stop waits for its spans, however slow the machine is, until a test advances the clock.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => {
  vi.useRealTimers();
  server?.closeAllConnections();
  server?.close();
});

async function collector(listener: RequestListener): Promise<string> {
  const listening = server = createServer(listener);
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

async function open(environment: Record<string, string>) {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = createLogger({ service: "cart", level: "info", format: "json", write });
  const metrics = new Metrics("cart");
  const options = { local: [], check: () => [] };
  const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: "30000", ...environment };
  const config = readServiceConfig(tracingSettings, patient, options);
  const tracing = await openTracing(config, metrics, log);
  const outcome = async (name: string) => {
    const samples = readSamples(await metrics.text());
    return samples.get(`trace_spans_total{outcome="${name}"}`) ?? 0;
  };
  return { tracing, lines, outcome };
}

function span(changes: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceparent: PLACE,
    parent: undefined,
    name: "work",
    kind: "server",
    startedAt: performance.now(),
    durationMs: 1,
    attributes: {},
    ...changes,
  };
}

test("close() sends queued spans, with the configured headers", async () => {
  const got: [string | undefined, string | undefined, unknown][] = [];
  const url = await collector((request, response) => {
    got.push([request.url, request.headers["content-type"], request.headers["api-key"]]);
    request.resume().on("end", () => response.end());
  });
  const { tracing, outcome } = await open({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b",
  });
  tracing.record(span());
  await tracing.close();
  expect(got).toEqual([["/v1/traces", "application/x-protobuf", "a b"]]);
  expect([await outcome("recorded"), await outcome("exported")]).toEqual([1, 1]);
});

test("credentials of the endpoint are sent, unless a header has others, and masked", async () => {
  const got: (string | undefined)[] = [];
  const url = await collector((request, response) => {
    got.push(request.headers.authorization);
    request.resume().on("end", () => response.writeHead(503).end());
  });
  const OTEL_EXPORTER_OTLP_ENDPOINT = url.replace("//", "//shop:hunter2@");
  for (const OTEL_EXPORTER_OTLP_HEADERS of ["", "Authorization=Bearer%20mine"]) {
    const { tracing, lines } = await open({
      OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS,
    });
    tracing.record(span());
    await tracing.close();
    expect(lines.join("")).toContain("spans could not be exported");
    expect(lines.join("")).not.toContain("hunter2");
  }
  expect(got).toEqual(["Basic c2hvcDpodW50ZXIy", "Bearer mine"]);
});

test("spans are sent to the endpoint of traces in JSON, compressed", async () => {
  const got: [string | undefined, string | undefined, unknown][] = [];
  const url = await collector(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const body = JSON.parse(String(gunzipSync(Buffer.concat(parts)))) as unknown;
    got.push([request.url, request.headers["content-type"], body]);
    response.end();
  });
  const { tracing, outcome } = await open({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/spans`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    OTEL_SERVICE_NAME: "shop",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test%20lab,service.name=no",
  });
  tracing.record(span());
  await tracing.close();
  expect(await outcome("exported")).toBe(1);
  const [[path, type, body] = []] = got;
  expect([path, type]).toEqual(["/spans", "application/json"]);
  const [{ resource }] = (body as { resourceSpans: [{ resource: { attributes: object[] } }] })
    .resourceSpans;
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  expect(resource.attributes).toEqual(expect.arrayContaining([
    attribute("service.name", "shop"),
    attribute("service.namespace", "marketplace"),
    attribute("deployment.environment.name", "test lab"),
  ]));
});

test.each([
  { OTEL_SDK_DISABLED: "true" },
  { OTEL_TRACES_EXPORTER: "none" },
])("%j disables the export", async (off) => {
  let requests = 0;
  const url = await collector((_, response) => {
    requests++;
    response.end();
  });
  const { tracing } = await open({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    ...off as Record<string, string>,
  });
  tracing.record(span());
  await tracing.close();
  expect(tracing.isSampled(PLACE)).toBe(false);
  expect(requests).toBe(0);
});

test("settings without effect are logged", async () => {
  const { lines } = await open({ OTEL_BSP_SCHEDULE_DELAY: "1", OTEL_LOG_LEVEL: "debug" });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: "warn",
    settings: ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_LOG_LEVEL"],
  });
});

test("a failure and the links to sampled spans reach the collector", async () => {
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver.close());
  const { tracing } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
  const other = (id: string, flags: string) => `00-${"c".repeat(32)}-${id.repeat(16)}-${flags}`;
  tracing.record(span({ error: "unavailable", links: [other("d", "01"), other("e", "00")] }));
  tracing.record(span({ attributes: { "db.operation.name": "insert" } }));
  await tracing.close();
  expect(receiver.spans).toMatchObject([
    { failed: true, links: ["d".repeat(16)], attributes: { "error.type": "unavailable" } },
    { failed: false, links: [], attributes: { "db.operation.name": "insert" } },
  ]);
});

test("an unavailable collector costs spans and one log line, no error", async () => {
  const { tracing, lines, outcome } = await open({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
  });
  for (let i = 0; i < 1_000; i++) tracing.record(span());
  await tracing.close();
  expect([await outcome("lost"), await outcome("exported")]).toEqual([1_000, 0]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("spans could not be exported");
});

test("a collector that never answers delays neither recording nor the stop", async () => {
  const url = await collector((request) => void request.resume());
  const { tracing, outcome } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  for (let i = 0; i < 20_000; i++) tracing.record(span());
  const closed = tracing.close();
  await vi.advanceTimersByTimeAsync(1_000);
  await closed;
  expect(await outcome("recorded")).toBe(20_000);
  expect(await outcome("exported")).toBe(0);
});

test("without an endpoint nothing is stored, and the sampler still decides", async () => {
  const { tracing, outcome } = await open({ OTEL_TRACES_SAMPLER: "always_off" });
  expect(tracing.isSampled(PLACE)).toBe(false);
  expect(tracing.startTraceparent(undefined).endsWith("-00")).toBe(true);
  tracing.record(span());
  await tracing.close();
  expect(await outcome("recorded")).toBe(0);
});

test("a trace that is not sampled is not sent", async () => {
  const { tracing, outcome } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
  tracing.record(span({ traceparent: `${PLACE.slice(0, 53)}00` }));
  await tracing.close();
  expect(await outcome("recorded")).toBe(0);
});

test.each([
  { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
  { OTEL_EXPORTER_OTLP_HEADERS: "secret" },
])("%j is refused, and the text of a header is not repeated", async (environment) => {
  await expect(open(environment)).rejects.toThrow(/^Wrong settings:(?!.*secret)/);
});
