import process from "node:process";
import { type Clock, systemClock } from "./async/clock.ts";
import { sleep } from "./async/sleep.ts";
import { ConfigError, type LogLevel } from "./config.ts";
import { createLogger, type LogFormat, type Logger, type ServiceName } from "./telemetry/log.ts";

/** How long a stop may take before the process leaves all the same. */
export const SHUTDOWN_GRACE_MS = 10_000;
/** npm passes a terminal's signal on, so one Ctrl-C may arrive twice; this is how far apart. */
const REPEATED_SIGNAL_MS = 1_000;

/** The doors stay open this long while `/readyz` says 503, so that nobody is sent to closed ones. */
const NOT_READY_FIRST_MS = 250;

type Close = () => void | Promise<void>;

/**
 * What has been opened, closed in reverse order. A step that fails is reported at the end and does
 * not keep the others open.
 */
export class CloseStack {
  readonly #closes: { readonly name: string; readonly close: Close }[] = [];
  #closing: Promise<void> | undefined;

  push(name: string, close: Close): void {
    this.#closes.push({ name, close });
  }

  /** Closes everything once; later calls share the first one's outcome. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = [];
    for (const { name, close } of this.#closes.toReversed()) {
      try {
        await close();
      } catch (error) {
        failures.push(new Error(`closing ${name} failed`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "not everything closed");
  }
}

/** Whether the service takes new work; `/readyz` and gRPC's health show it. */
export class Readiness {
  readonly #clock: Clock;
  #stopping = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Not ready from now on; resolves when those who ask have had time to see it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await sleep(this.#clock, NOT_READY_FIRST_MS);
  }
}

export interface RunningService {
  /** Rejects when a part has ended that the service is useless without; never resolves. */
  readonly failed?: Promise<never>;
  /** Stops taking work, finishes what is under way, closes everything. */
  close(): Promise<void>;
}

/**
 * A service's process: reads its settings, makes its log, and runs it until a signal. A wrong
 * setting stops it with every problem in one message and exit code 1.
 */
export async function runService<Config extends LogSettings>(
  service: ServiceName,
  readSettings: () => Config,
  start: (config: Config, log: Logger) => Promise<RunningService>,
): Promise<void> {
  const config = settingsOrExit(readSettings);
  const { LOG_LEVEL: level, LOG_FORMAT: format } = config;
  const log = createLogger({ service, level, format });
  await runUntilSignal(log, () => start(config, log));
}

interface LogSettings {
  readonly LOG_LEVEL: LogLevel;
  readonly LOG_FORMAT?: LogFormat | undefined;
}

function settingsOrExit<Config>(readSettings: () => Config): Config {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/**
 * Runs what `start` starts until a signal: the first SIGTERM or SIGINT closes it and exits 0, the
 * next one (unless it is the same one passed on within 1 s) exits at once with 1. A start that
 * fails, and a service that does, says why in one line and exits with 1. `graceMs` is how long a
 * stop may take.
 */
export async function runUntilSignal(
  log: Logger,
  start: () => Promise<RunningService>,
  graceMs = SHUTDOWN_GRACE_MS,
): Promise<void> {
  const signals = listenForSignals();
  try {
    const running = await start();
    await Promise.race([signals.first, running.failed ?? signals.first]);
    await closeWithin(running, log, graceMs);
    process.exit(0);
  } catch (error) {
    log.error("the service stops", { error });
    process.exit(1);
  }
}

function listenForSignals(): { first: Promise<void> } {
  let receivedAt: number | undefined;
  const first = new Promise<void>((resolve) => {
    const onSignal = () => {
      const now = performance.now();
      if (receivedAt === undefined) {
        receivedAt = now;
        resolve();
      } else if (now - receivedAt > REPEATED_SIGNAL_MS) {
        process.exit(1);
      }
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
  return { first };
}

async function closeWithin(service: RunningService, log: Logger, graceMs: number): Promise<void> {
  const timer = setTimeout(() => {
    log.error("the service did not close in time", { grace_ms: graceMs });
    process.exit(1);
  }, graceMs);
  await service.close();
  clearTimeout(timer);
}
