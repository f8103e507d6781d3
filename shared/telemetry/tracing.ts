import type { Attributes } from "@opentelemetry/api";
import { childTraceparent, type PlaceInTrace } from "./traceparent.ts";

export type SpanKind = "server" | "client" | "producer" | "consumer" | "internal";

/** Something that happened within a span. */
export interface SpanEvent {
  readonly name: string;
  /** On the scale of the system clock's `now()`, in ms. */
  readonly at: number;
  readonly attributes: Attributes;
}

/**
 * A piece of work that is done, as OpenTelemetry's semantic conventions (1.45) name it; attributes of
 * ours begin with `marketplace.`. They hold no text that a person or a server wrote: no ids of users,
 * no messages, no bodies, no SQL.
 */
export interface SpanRecord {
  /** Its own place in the trace; log lines about it carry the same ids. */
  readonly traceparent: string;
  /** The place of what it is part of; undefined at the root. */
  readonly parent: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** On the scale of the system clock's `now()`, in ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  /** The code that it failed with: sets the status, and `error.type`. */
  readonly error?: string | undefined;
  readonly events?: readonly SpanEvent[];
  /** The places of other work that it served. */
  readonly links?: readonly string[];
}

/**
 * Spans are told of when they end, by what watches the seams (doors, clients, pools, the bus);
 * their places travel in `RequestContext.traceparent` meanwhile.
 */
export interface Tracing {
  /** A place for a request; the sampler decides on new traces, the caller on its own. */
  readonly place: PlaceInTrace;
  /** Whether a span at this place would be kept; when not, there is no need to describe it. */
  keeps(traceparent: string): boolean;
  /** Never throws, never waits. */
  record(span: SpanRecord): void;
}

/** For what runs without an exporter. */
export const NO_TRACING: Tracing = {
  place: (parent) => childTraceparent(parent),
  keeps: () => false,
  record() {},
};
