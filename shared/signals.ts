import process from "node:process";

/** npm forwards a terminal's signal, so one Ctrl-C may arrive twice, at most this far apart. */
const REPEATED_SIGNAL_MS = 1_000;

const stopping = new AbortController();

/**
 * Aborts on the first SIGTERM or SIGINT. The next one, unless it is a copy within 1 s, ends the
 * process at once with 1.
 */
export function listenForSignals(): AbortSignal {
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

/**
 * Lets a closed pipe of stdout stop the process as a signal does: for a process without a purpose
 * once the reader of its output, such as `head`, has ended.
 */
export function stopWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") stopping.abort();
  });
}

/** Resolves once the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
