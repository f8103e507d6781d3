import { sleep, systemClock } from "../shared/async/request-context.ts";

/**
 * The slowest promise is the lease of a killed relay of an older loms, 10 s. After twice that time
 * the probe fails.
 */
const EVENTUALLY_MAX_MS = 20_000;
/** A probe is one request or one read of a file. */
const PROBE_INTERVAL_MS = 25;

/** The first result of `probe` that is not a failure; fails with the last after `withinMs`. */
export async function eventually<Result>(
  probe: () => Result | Promise<Result>,
  withinMs = EVENTUALLY_MAX_MS,
): Promise<Result> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(systemClock, PROBE_INTERVAL_MS);
  }
}
