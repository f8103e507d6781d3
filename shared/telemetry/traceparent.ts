import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";

/** W3C Trace Context, level 1, section 3.2: version-format of `traceparent`. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const LENGTH = 55;

/** The header when it is well formed, cut to the fields of version 00; otherwise undefined. */
export function parseTraceparent(header: string | null | undefined): string | undefined {
  if (!header || !TRACEPARENT.test(header)) return undefined;
  if (header.length > LENGTH && (header.startsWith("00") || header[LENGTH] !== "-")) {
    return undefined;
  }
  return `00${header.slice(2, LENGTH)}`;
}

/** Whether whoever is there records spans: the flag `sampled`. */
export function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53), 16) & 1) === 1;
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** Gives work a place in a trace: below `parent`, or without one at the root of a new trace. */
export type PlaceInTrace = (parent: string | undefined) => string;

/**
 * A span of its own below the caller's, sampled as that is. A new trace is sampled as `sample` says
 * of its id; by default it is not, since what nobody asked for (polls, probes) would only be noise.
 */
export function childTraceparent(
  parent: string | undefined,
  sample: (traceId: string) => boolean = () => false,
): string {
  const spanId = randomHex(8);
  if (parent) return `${parent.slice(0, 36)}${spanId}${parent.slice(52)}`;
  const traceId = randomHex(16);
  return `00-${traceId}-${spanId}-${sample(traceId) ? "01" : "00"}`;
}

/** Asking the system for random bytes takes 10 µs however few they are, so many are taken at once. */
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
