import process from "node:process";

/** npm forwards a terminal's signal, so one Ctrl-C may arrive twice, at most this far apart. */
const REPEATED_SIGNAL_MS = 1_000;

/**
 * Aborts on the first SIGTERM or SIGINT. The next one, unless it is a copy within 1 s, ends the
 * process at once with 1.
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
