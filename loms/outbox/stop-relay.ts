import { type Clock, within } from "../../shared/async/request-context.ts";
import type { Relay } from "./relay.ts";

/** Remaining events wait for the next process, so a bus that hangs does not delay a stop. */
const STOP_MAX_MS = 3_000;
/** Far more batches than the last requests can write. */
const STEPS_MAX = 20;

/** Stops the relay and publishes what the last requests wrote to the outbox, within 3 s. */
export async function stopRelay(
  relay: Pick<Relay, "close" | "step">,
  clock: Clock,
): Promise<void> {
  const flushed = flush(relay).catch(() => {
    // The relay has logged it, and the events are in the outbox.
  });
  await within(clock, STOP_MAX_MS, flushed, () => {});
}

async function flush(relay: Pick<Relay, "close" | "step">): Promise<void> {
  await relay.close();
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const step = await relay.step();
    if (step.kind !== "published" || step.drained) break;
  }
  // Releases the lease.
  await relay.close();
}
