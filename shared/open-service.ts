import { systemClock } from "./async/request-context.ts";
import type { HostPort } from "./config.ts";
import { serve } from "./http/listen.ts";
import { openProfileListener } from "./http/profile-listener.ts";
import { CloseStack, Readiness, type RunningService } from "./lifecycle.ts";
import { openTracing, type TracingOptions } from "./otlp/open-tracing.ts";
import type { ProcessLog } from "./telemetry/log.ts";
import { type MeasuredService, Metrics } from "./telemetry/metrics.ts";
import { type ThrottledLog, throttledLog } from "./telemetry/throttled-log.ts";
import type { Tracing } from "./telemetry/tracing.ts";

/** Parts that every component of a service gets. */
export interface ServiceParts<Config> {
  readonly config: Config;
  readonly log: ProcessLog;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly logThrottled: ThrottledLog;
  readonly readiness: Readiness;
  /** Resources to close in reverse order, also if the start fails. */
  readonly opened: CloseStack;
}

export interface ServiceOptions<Config> {
  readonly name: MeasuredService;
  readonly config: Config;
  /** The address of the profile listener. */
  readonly profile: HostPort;
  readonly log: ProcessLog;
}

/**
 * Starts a service: opens its telemetry and its profile listener, then calls `open`. If that fails,
 * closes everything opened so far.
 * @throws what `open` throws
 */
export async function openService<Config extends TracingOptions, Running extends object>(
  { name, config, profile, log }: ServiceOptions<Config>,
  open: (parts: ServiceParts<Config>) => Promise<Running>,
): Promise<Running & Pick<RunningService, "close">> {
  const opened = new CloseStack();
  try {
    const metrics = new Metrics(name);
    metrics.watchProcess(log);
    const tracing = await openTracing(config, metrics, log);
    opened.push("the spans", () => tracing.close());
    await openProfileListener(profile, log, opened);
    const logThrottled = throttledLog(log, systemClock);
    const readiness = new Readiness();
    const parts = { config, log, metrics, tracing, logThrottled, readiness, opened };
    return { ...await open(parts), close: () => opened.close() };
  } catch (error) {
    await opened.close().catch((failure: unknown) => {
      log.error("not everything closed", { error: failure });
    });
    throw error;
  }
}

/**
 * Listens for HTTP. A stop first reports not ready, then waits `drainMaxMs` for requests in
 * progress.
 * @returns the URL, without a trailing slash
 */
export async function listenHttp(
  fetch: Parameters<typeof serve>[0],
  { address, drainMaxMs }: { address: HostPort; drainMaxMs: number },
  { opened, readiness }: Pick<ServiceParts<unknown>, "opened" | "readiness">,
): Promise<string> {
  const http = await serve(fetch, address);
  opened.push("the HTTP listener", () => http.close(drainMaxMs));
  opened.push("readiness", () => readiness.stop());
  return http.url;
}
