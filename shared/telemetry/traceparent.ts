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

/** A span of its own below the caller's, or at the root of a new, sampled trace. */
export function childTraceparent(parent: string | undefined): string {
  const spanId = randomHex(8);
  if (parent) return `${parent.slice(0, 36)}${spanId}${parent.slice(52)}`;
  return `00-${randomHex(16)}-${spanId}-01`;
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
