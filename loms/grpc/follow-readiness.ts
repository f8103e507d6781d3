import {
  type Clock,
  type RequestContext,
  sleep,
  systemClock,
} from "../../shared/async/request-context.ts";
import type { GrpcHealth } from "../../shared/grpc/health.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";

/** The maximum age of the state that a watcher has. */
const CHECK_INTERVAL_MS = 1_000;
/** A database that takes longer to answer counts as unavailable. */
const CHECK_TIMEOUT_MS = 2_000;

/** Rejects while the component cannot serve. */
export type Check = (context: RequestContext) => unknown;

/**
 * Sets `health` to the results of the checks, of each component and of the service, until the
 * returned function is called.
 */
export function followReadiness(
  health: Pick<GrpcHealth, "set" | "setPart">,
  checks: Readonly<Record<string, Check>>,
  clock: Clock = systemClock,
): () => void {
  const stopping = new AbortController();
  const run = async () => {
    while (!stopping.signal.aborted) {
      const found = await Promise.all(
        Object.entries(checks).map(async ([part, check]) => ({
          part,
          serving: await passes(check, clock),
        })),
      );
      if (stopping.signal.aborted) return;
      for (const { part, serving } of found) health.setPart(part, serving);
      health.set(found.every(({ serving }) => serving));
      await sleep(clock, CHECK_INTERVAL_MS, stopping.signal).catch(() => {});
    }
  };
  void run();
  return () => stopping.abort();
}

async function passes(check: Check, clock: Clock): Promise<boolean> {
  const context = backgroundContext(CHECK_TIMEOUT_MS, clock);
  try {
    await check(context);
    return true;
  } catch {
    return false;
  } finally {
    context.close();
  }
}
