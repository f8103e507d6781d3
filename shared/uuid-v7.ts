import { randomBytes } from "node:crypto";
import type { Clock } from "./async/clock.ts";

/** The 12 bits that RFC 9562 leaves beside the millisecond; past them the next one is borrowed. */
const COUNTER_MAX = 0xfff;

/**
 * Makes UUIDs of version 7 (RFC 9562, section 6.2, method 1) that ascend strictly within the
 * process, also within one millisecond and when the clock steps back.
 */
export function uuidV7Source(clock: Pick<Clock, "epochMs">): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const nowMs = clock.epochMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = 0;
    } else if (++counter > COUNTER_MAX) {
      lastMs += 1;
      counter = 0;
    }
    const time = lastMs.toString(16).padStart(12, "0");
    const tail = randomBytes(8);
    tail[0] = 0x80 | ((tail[0] as number) & 0x3f);
    const random = tail.toString("hex");
    const version = `7${counter.toString(16).padStart(3, "0")}`;
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${random.slice(0, 4)}-${
      random.slice(4)
    }`;
  };
}
