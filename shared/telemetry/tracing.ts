import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { type Clock, RequestContext } from "../async/request-context.ts";
import { toAppError } from "../errors.ts";

// Trace contexts (W3C Trace Context, level 1), which `RequestContext.traceparent` carries, and
// spans, which are recorded when their work ends.

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const LENGTH = 55;

/** The header if it is well formed, cut to the fields of version 00; otherwise undefined. */
export function parseTraceparent(header: string | null | undefined): string | undefined {
  if (!header || !TRACEPARENT.test(header)) return undefined;
  if (header.length > LENGTH && (header.startsWith("00") || header[LENGTH] !== "-")) {
    return undefined;
  }
  return `00${header.slice(2, LENGTH)}`;
}

/** Whether the flag `sampled` is set. */
export function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53), 16) & 1) === 1;
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** Whether a new trace is sampled, by its id if that matters. */
export type Sampling = boolean | ((traceId: string) => boolean);

/**
 * A new span below `parent` with the same sampling, or the root of a new trace with the sampling
 * that `sampling` decides. By default it is not sampled: most spans would be of polls and probes.
 */
export function childTraceparent(parent: string | undefined, sampling: Sampling = false): string {
  const spanId = randomHex(8);
  if (parent) return `${parent.slice(0, 36)}${spanId}${parent.slice(52)}`;
  const traceId = randomHex(16);
  return `00-${traceId}-${spanId}-${flags(sampling, traceId)}`;
}

function flags(sampling: Sampling, traceId: string): "01" | "00" {
  return (typeof sampling === "boolean" ? sampling : sampling(traceId)) ? "01" : "00";
}

/** Starts the span of a request: below the caller's span, or at the root of a new trace. */
export type StartTraceparent = (parent: string | undefined) => string;

/** Keeps the caller's decision; `sampling` decides on new traces. */
export function startParentBased(sampling: Sampling): StartTraceparent {
  return (parent) => childTraceparent(parent, sampling);
}

/** `sampling` decides on every trace, whatever the caller decided. */
export function startAlwaysBy(sampling: Sampling): StartTraceparent {
  return (parent) => {
    const started = childTraceparent(parent, sampling);
    return `${started.slice(0, 53)}${flags(sampling, traceIdOf(started))}`;
  };
}

/** Reading random bytes takes 10 µs for any number of them, so many are read at once. */
const POOL_BYTES = 8192;
let pool = Buffer.alloc(0);
let used = 0;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomFillSync(Buffer.allocUnsafe(POOL_BYTES));
    used = 0;
  }
  used += bytes;
  return pool.toString("hex", used - bytes, used);
}

/** The trace context of work that serves several requests. */
export interface SharedTrace {
  readonly traceparent: string;
  readonly alsoServes: readonly string[];
}

/**
 * Work that serves several requests is part of the first sampled trace and links to the other
 * sampled ones. Undefined without requests.
 */
export function sharedTrace(traceparents: readonly string[]): SharedTrace | undefined {
  const traceparent = traceparents.find(isSampled) ?? traceparents[0];
  if (traceparent === undefined) return undefined;
  const alsoServes = traceparents.filter((each) => each !== traceparent && isSampled(each));
  return { traceparent, alsoServes };
}

/**
 * The context of such work. It lasts until the latest deadline plus `graceMs`, whichever caller
 * disconnects.
 */
export function serveTogether(contexts: readonly RequestContext[], graceMs = 0): RequestContext {
  const first = contexts[0] as RequestContext;
  if (contexts.length === 1 && graceMs === 0) return first;
  const shared = sharedTrace(contexts.map(({ traceparent }) => traceparent)) as SharedTrace;
  const timeoutMs = Math.max(...contexts.map((each) => each.remainingMs())) + graceMs;
  return new RequestContext({ ...shared, timeoutMs, clock: first.clock });
}

/** The context of work without a request, such as a poll; its spans are not sampled. */
export function backgroundContext(timeoutMs: number, clock?: Clock): RequestContext {
  return new RequestContext({ traceparent: childTraceparent(undefined), timeoutMs, clock });
}

export type SpanKind = "server" | "client" | "producer" | "consumer" | "internal";

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An event within a span. */
export interface SpanEvent {
  readonly name: string;
  /** On the scale of the system clock's `now()`, in ms. */
  readonly at: number;
  readonly attributes: Attributes;
}

/**
 * Finished work, named by OpenTelemetry's semantic conventions (1.45). Our attributes begin with
 * `marketplace.`. No attribute contains text from a person or a server: no user ids, messages,
 * bodies or SQL.
 */
export interface SpanRecord {
  /** Its trace context; log lines about it have the same ids. */
  readonly traceparent: string;
  /** Undefined at the root. */
  readonly parent: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** On the scale of the system clock's `now()`, in ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  /** The code of its failure: sets the status and `error.type`. */
  readonly error?: string | undefined;
  readonly events?: readonly SpanEvent[];
  /** The trace contexts of other requests that it served. */
  readonly links?: readonly string[];
}

export interface Tracing {
  /** The sampler decides on new traces, the caller on its own traces. */
  readonly startTraceparent: StartTraceparent;
  /** Whether a span with this trace context is recorded; if not, it need not be described. */
  isSampled(traceparent: string): boolean;
  /** Never throws, never waits. */
  record(span: SpanRecord): void;
}

/** For a process without an exporter. */
export const NO_TRACING: Tracing = {
  startTraceparent: (parent) => childTraceparent(parent),
  isSampled: () => false,
  record() {},
};

/** The span of observed work. */
export interface ObservedSpan
  extends Pick<SpanRecord, "traceparent" | "parent" | "name" | "kind" | "links"> {
  readonly tracing: Tracing;
  /** Describes the work by the code of its failure. */
  readonly describe: (
    code: string | undefined,
  ) => Pick<SpanRecord, "attributes" | "error" | "events">;
}

export interface Observation {
  readonly clock: Clock;
  /** The code of a failure; by default its {@link ErrorCode}. */
  readonly codeOf?: (thrown: unknown) => string;
  /** Called at the end; without a failure, `code` and `thrown` are undefined. */
  readonly measure?: (code: string | undefined, seconds: number, thrown: unknown) => void;
  /** Undefined if the trace is not sampled. */
  readonly span?: ObservedSpan | undefined;
}

/** Runs `work`; when it ends, records its metric and its span, also on failure. */
export async function observed<Result>(
  work: () => Promise<Result>,
  observation: Observation,
): Promise<Result> {
  const { clock, codeOf = (failure) => toAppError(failure).code, measure, span } = observation;
  const startedAt = clock.now();
  let code: string | undefined;
  let thrown: unknown;
  try {
    return await work();
  } catch (error) {
    thrown = error;
    code = codeOf(error);
    throw error;
  } finally {
    const durationMs = clock.now() - startedAt;
    measure?.(code, durationMs / 1000, thrown);
    if (span) {
      const { tracing, describe, ...context } = span;
      tracing.record({ ...context, startedAt, durationMs, ...describe(code) });
    }
  }
}

/** A span's attributes for a call of `package.Service/Method`. */
export function rpcAttributes(method: string, code: string | undefined) {
  return {
    "rpc.system.name": "grpc",
    "rpc.method": method,
    "rpc.status_code": rpcStatusCode(code),
  };
}

/** The gRPC name of a status, `NOT_FOUND`; our error codes have the same names. */
export function rpcStatusCode(code: string | undefined): string {
  return (code ?? "ok").toUpperCase();
}
