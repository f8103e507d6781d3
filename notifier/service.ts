import { fileURLToPath } from "node:url";
import { NOTIFIER_GROUP, ORDER_EVENTS } from "../proto/order-event.ts";
import { systemClock } from "../shared/async/clock.ts";
import { RequestContext } from "../shared/async/request-context.ts";
import { busSystem, createBus } from "../shared/bus/create-bus.ts";
import { observedSubscription, watchLag } from "../shared/bus/observed.ts";
import { serve } from "../shared/http/listen.ts";
import type { ReadyCheck } from "../shared/http/probes.ts";
import { openProfileListener } from "../shared/http/profile-listener.ts";
import { CloseStack, Readiness, type RunningService } from "../shared/lifecycle.ts";
import { checkDefaults } from "../shared/postgres/check-defaults.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { observeStatements } from "../shared/postgres/observe-statements.ts";
import { Pool } from "../shared/postgres/pool.ts";
import { batcherMetrics } from "../shared/telemetry/batcher-metrics.ts";
import type { ProcessLog } from "../shared/telemetry/log.ts";
import { watchLog } from "../shared/telemetry/log-metrics.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { openTracing } from "../shared/otlp/open-tracing.ts";
import { childTraceparent } from "../shared/telemetry/traceparent.ts";
import { handleMessage } from "./bus/handle-message.ts";
import { outcomeMetrics, skippedEvents } from "./bus/event-metrics.ts";
import type { NotifierConfig } from "./config.ts";
import { finalForgetter } from "./domain/forget-final.ts";
import { createNotifierHttp } from "./http/app.ts";
import { PostgresLastShown } from "./repository/last-shown.ts";
import { createLogLineSink, type LineOutput } from "./sink/log-line.ts";

/** One each for reading, remembering, forgetting, and the health check. */
const CONNECTIONS_MAX = 4;
/** For statements that no event causes. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** How long a stop waits for HTTP requests in progress. */
const DRAIN_MAX_MS = 2_000;
const MIGRATIONS = fileURLToPath(new URL("../drizzle/notifier/migrations", import.meta.url));

export interface NotifierParts {
  readonly log: ProcessLog;
  /** Where notifications go: process.stdout. */
  readonly output: LineOutput;
}

export interface RunningNotifier extends RunningService {
  /** Of the health routes, without a slash at the end. */
  readonly url: string;
}

/**
 * The notifier, a member of its group when this resolves. What was opened is closed again when a
 * later part fails. It stops in reverse order: not ready, HTTP, the subscription (events under way
 * are shown and acknowledged), the bus, the database.
 */
export async function startNotifier(
  config: NotifierConfig,
  parts: NotifierParts,
): Promise<RunningNotifier> {
  const opened = new CloseStack();
  try {
    return { ...await open(config, parts, opened), close: () => opened.close() };
  } catch (error) {
    await opened.close().catch((failure: unknown) =>
      parts.log.error("closing", { error: failure })
    );
    throw error;
  }
}

async function open(
  config: NotifierConfig,
  { log, output }: NotifierParts,
  opened: CloseStack,
): Promise<{ readonly url: string; readonly failed: Promise<never> }> {
  const metrics = new Metrics("notifier");
  metrics.watchProcess();
  watchLog(log, metrics);
  const tracing = await openTracing(config, metrics, log);
  opened.push("the spans", () => tracing.close());
  const { NOTIFIER_DATABASE_URL: url, NOTIFIER_MIGRATION_DATABASE_URL: migrationUrl } = config;
  await migrate({ url: migrationUrl ?? url, folder: MIGRATIONS });
  const pool = new Pool({
    url,
    role: "primary",
    max: CONNECTIONS_MAX,
    applicationName: "notifier",
    prepared: config.NOTIFIER_DATABASE_PREPARED_STATEMENTS,
    observe: observeStatements(metrics, tracing),
  });
  opened.push("the database", () => pool.close());
  await checkDefaults(pool, "NOTIFIER_DATABASE_URL", newContext());
  const lastShown = new PostgresLastShown(pool, (batcher) => batcherMetrics(metrics, batcher));

  const bus = await createBus(config, log);
  opened.push("the bus", () => bus.close());
  const system = busSystem(config);
  watchLag(bus, { topic: ORDER_EVENTS, group: NOTIFIER_GROUP, system }, metrics);

  const forgetting = finalForgetter({ lastShown }, {
    clock: systemClock,
    newContext,
    onError: (error) => log.warn("Cannot forget orders that ended long ago", { error }),
  });
  forgetting.start();
  opened.push("forgetting", () => forgetting.close());

  const sink = createLogLineSink({ format: config.LOG_FORMAT, output, tracing });
  const onOutcome = outcomeMetrics(metrics, systemClock);
  const onSkipped = skippedEvents(metrics, log, systemClock);
  const handle = handleMessage({ lastShown, sink, onOutcome, onSkipped });
  const watching = { tracing, metrics, clock: systemClock, system };
  const events = { topic: ORDER_EVENTS, group: NOTIFIER_GROUP, handle };
  const subscription = await bus.subscribe(observedSubscription(events, watching));
  opened.push("the subscription", () => subscription.close());

  await openProfileListener(config.NOTIFIER_PROFILE, log, opened);
  const readiness = new Readiness();
  const checks: Readonly<Record<string, ReadyCheck>> = {
    database: (context) => lastShown.check(context),
  };
  const app = createNotifierHttp({ log, metrics, tracing, readiness, checks });
  const http = await serve(app.fetch, config.NOTIFIER_HTTP);
  opened.push("HTTP", () => http.close(DRAIN_MAX_MS));
  opened.push("readiness", () => readiness.stop());
  log.info("notifier serves", {
    http: http.url,
    messaging_destination_name: ORDER_EVENTS.name,
    messaging_consumer_group_name: NOTIFIER_GROUP,
  });
  return { url: http.url, failed: subscription.failed };
}

function newContext(): RequestContext {
  return new RequestContext({
    traceparent: childTraceparent(undefined),
    timeoutMs: STATEMENT_TIMEOUT_MS,
  });
}
