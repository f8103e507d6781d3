import { vi } from "vitest";

/** Longer than anything promised within seconds; what has not come by then will not come. */
export const EVENTUALLY_MAX_MS = 15_000;
/** A probe is one request or one read of a file. */
const PROBE_INTERVAL_MS = 25;

/** The first result of `probe` that is no failure; fails with the last one after `withinMs`. */
export function eventually<Result>(
  probe: () => Result | Promise<Result>,
  withinMs = EVENTUALLY_MAX_MS,
): Promise<Result> {
  return vi.waitFor(probe, { timeout: withinMs, interval: PROBE_INTERVAL_MS });
}
