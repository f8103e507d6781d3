import process from "node:process";

/** npm passes a terminal's signal on, so one Ctrl-C may arrive twice; this is how far apart. */
const REPEATED_SIGNAL_MS = 1_000;

/**
 * Aborts on the first SIGTERM or SIGINT. The next one, unless it is the same one passed on within
 * 1 s, ends the process at once with 1.
 */
export function listenForSignals(): AbortSignal {
  const stopping = new AbortController();
  let receivedAt: number | undefined;
  const onSignal = () => {
    const now = performance.now();
    if (receivedAt === undefined) {
      receivedAt = now;
      stopping.abort();
    } else if (now - receivedAt > REPEATED_SIGNAL_MS) {
      process.exit(1);
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return stopping.signal;
}

/** Resolves once the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
