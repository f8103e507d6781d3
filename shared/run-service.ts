import process from "node:process";
import { setFlagsFromString } from "node:v8";
import type { z } from "zod";
import { sleep, systemClock } from "./async/request-context.ts";
import type { commonSettings } from "./config.ts";
import { LateClose, type RunningService, SHUTDOWN_GRACE_MS } from "./lifecycle.ts";
import { registerModuleHooks } from "./module-loading.ts";
import { aborted, listenForSignals } from "./signals.ts";
import type { ServiceName } from "./telemetry/log-record.ts";
import type { ProcessLog } from "./telemetry/log.ts";

// This module and its imports are small, because signals count only once they are loaded.

/** Time that a start may continue after a signal; it may be almost complete. */
const START_LEFT_MS = 1_500;

/** Time for the last lines to reach their reader. */
const FLUSH_MAX_MS = 500;

export type LogSettings = z.output<z.ZodObject<typeof commonSettings>>;

/**
 * With this argument, a service loads its modules, reads its settings, sends {@link LOADED} to its
 * launcher, and starts with the first message that it receives. A launcher can thus prepare it
 * while its dependencies are starting. The service exits if the channel closes without a message.
 */
export const START_ON_MESSAGE = "--start-on-message";

export const LOADED = "loaded";

/** A service with loaded modules and valid settings. */
export interface ServiceProgram<Config extends LogSettings> {
  readonly config: Config;
  readonly start: (config: Config, log: ProcessLog) => Promise<RunningService>;
}

export interface StopLimits {
  /** Time limit from the signal on; then the process exits with 1. */
  readonly graceMs: number;
  /** The part of it that a start in progress may use. */
  readonly startMs: number;
}

/**
 * Stops V8 from allocating directly in the old space objects that often outlive collections of
 * young ones. Under load, objects of requests in progress do, and from the old space they keep what
 * they reference alive until the next full collection: collections of young objects then take two
 * or three times as long.
 */
const V8_FLAGS = "--no-allocation-site-pretenuring";

const SERVICE_LIMITS: StopLimits = { graceMs: SHUTDOWN_GRACE_MS, startMs: START_LEFT_MS };

/**
 * The process of a service: loads its modules, reads its settings, opens its log, and runs it until
 * a signal. An invalid setting ends it with every problem in one message and exit code 1.
 */
export async function runService<Config extends LogSettings>(
  service: ServiceName,
  load: () => Promise<ServiceProgram<Config>>,
): Promise<void> {
  const stopping = listenForSignals();
  setFlagsFromString(V8_FLAGS);
  registerModuleHooks();
  const loading = Promise.all([
    load().catch(exitWithWrongSettings),
    import("./telemetry/log.ts"),
  ]);
  const loaded = await Promise.race([loading, aborted(stopping)]);
  const mayStart = !process.argv.includes(START_ON_MESSAGE) ||
    await Promise.race([hasMessage(), aborted(stopping)]);
  if (!loaded || !mayStart || stopping.aborted) process.exit(0);
  const [{ config, start }, { createLogger }] = loaded;
  const { LOG_LEVEL: level, LOG_FORMAT: format } = config;
  const log = createLogger({ service, level, format });
  await run(log, () => start(config, log), stopping, SERVICE_LIMITS);
}

/**
 * Runs `start` until a signal. The first SIGTERM or SIGINT closes the service and exits with 0. The
 * next one (unless it is a copy within 1 s) exits at once with 1. `start` gets an AbortSignal that
 * aborts with the first. A failed start, and a failed service, log the reason in one line and exit
 * with 1.
 */
export async function runUntilSignal(
  log: ProcessLog,
  start: (stopping: AbortSignal) => Promise<RunningService>,
  limits: StopLimits = SERVICE_LIMITS,
): Promise<void> {
  await run(log, start, listenForSignals(), limits);
}

/** Whether the launcher sends a message before its channel closes. */
function hasMessage(): Promise<boolean> {
  return new Promise((resolve) => {
    process.once("disconnect", () => resolve(false));
    process.once("message", () => {
      resolve(true);
      process.disconnect();
    });
    process.send?.(LOADED);
  });
}

async function exitWithWrongSettings(error: unknown): Promise<never> {
  const { ConfigError } = await import("./config.ts");
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

async function run(
  log: ProcessLog,
  start: (stopping: AbortSignal) => Promise<RunningService>,
  stopping: AbortSignal,
  limits: StopLimits,
): Promise<void> {
  exitAfterGrace(stopping, limits.graceMs, log);
  try {
    const running = await startUnlessStopped(start, stopping, limits.startMs, log);
    await Promise.race([aborted(stopping), running?.failed ?? aborted(stopping)]);
    if (running) await closeOrLeave(running, log);
    await exit(0, log);
  } catch (error) {
    log.error("the service stops", { error });
    await exit(1, log);
  }
}

function exitAfterGrace(stopping: AbortSignal, graceMs: number, log: ProcessLog): void {
  stopping.addEventListener("abort", () => {
    setTimeout(() => {
      log.error("the service did not close in time", { grace_ms: graceMs });
      void exit(1, log);
    }, graceMs);
  });
}

async function exit(code: number, log: ProcessLog): Promise<never> {
  await log.flush(FLUSH_MAX_MS);
  process.exit(code);
}

/** @returns undefined if a signal arrived first: nothing is acknowledged before the start */
async function startUnlessStopped(
  start: (stopping: AbortSignal) => Promise<RunningService>,
  stopping: AbortSignal,
  leftMs: number,
  log: ProcessLog,
): Promise<RunningService | undefined> {
  const late = aborted(stopping).then(() => sleep(systemClock, leftMs));
  try {
    const running = await Promise.race([start(stopping), late]);
    if (!running) log.warn("stopped before the start was complete");
    return running ?? undefined;
  } catch (error) {
    if (!stopping.aborted) throw error;
    log.warn("stopped before the start was complete", { error });
    return undefined;
  }
}

/**
 * Closes everything and abandons late steps: acknowledged work is stored, and the rest has an
 * unknown outcome for its caller, as after a crash.
 */
async function closeOrLeave(running: RunningService, log: ProcessLog): Promise<void> {
  try {
    await running.close();
  } catch (error) {
    const late = lateSteps(error);
    if (!late) throw error;
    log.warn("exiting before everything was closed", { late });
  }
}

/** The names of the steps, if all errors are late ones. */
function lateSteps(error: unknown): string[] | undefined {
  const failures = error instanceof AggregateError ? error.errors as unknown[] : [error];
  const late = failures.filter((failure) => failure instanceof LateClose);
  return late.length === failures.length ? late.map(({ message }) => message) : undefined;
}
