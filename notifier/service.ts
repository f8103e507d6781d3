import { fileURLToPath } from "node:url";
import { NOTIFIER_GROUP, ORDER_EVENTS } from "../proto/order-event.ts";
import { type RequestContext, systemClock } from "../shared/async/request-context.ts";
import { busSystem, createBus } from "../shared/bus/create-bus.ts";
import { observedSubscription, watchLag } from "../shared/bus/observed.ts";
import { createHttpApp, mount } from "../shared/http/app.ts";
import { probeRoutes } from "../shared/http/probes.ts";
import { OPERATION_LINKS, startPageRoute } from "../shared/http/start-page.ts";
import type { RunningService } from "../shared/lifecycle.ts";
import { listenHttp, openService, type ServiceParts } from "../shared/open-service.ts";
import { checkDefaults } from "../shared/postgres/check-defaults.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { observedStatements, Pool } from "../shared/postgres/pool.ts";
import { batcherMetrics } from "../shared/telemetry/batcher.ts";
import type { ProcessLog } from "../shared/telemetry/log.ts";
import { backgroundContext } from "../shared/telemetry/tracing.ts";
import { outcomeMetrics, skippedEvents } from "./bus/event-metrics.ts";
import { handleMessages } from "./bus/handle-messages.ts";
import type { NotifierConfig } from "./config.ts";
import { finalForgetter } from "./domain/forget-final.ts";
import { PostgresLastShown } from "./repository/last-shown.ts";
import { createLogLineSink, type LineOutput } from "./sink/log-line.ts";

/** One each for reading, remembering, forgetting, and the health check. */
const CONNECTIONS_MAX = 4;
/** For statements that no event causes. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** How long a stop waits for HTTP requests in progress. */
const DRAIN_MAX_MS = 2_000;
const START_PAGE = {
  title: "notifier",
  summary: "Prints a notification for each status of an order. Order events arrive over the bus.",
};
const MIGRATIONS = fileURLToPath(new URL("../drizzle/notifier/migrations", import.meta.url));

export interface NotifierParts {
  readonly log: ProcessLog;
  /** Where notifications go: process.stdout. */
  readonly output: LineOutput;
}

export interface RunningNotifier extends RunningService {
  /** Of the health routes, without a trailing slash. */
  readonly url: string;
}

/**
 * Starts the notifier; it is a member of its group when this resolves. A stop reverses the order:
 * not ready, HTTP, the subscription (events in progress are shown and acknowledged), the database,
 * the bus.
 */
export function startNotifier(
  config: NotifierConfig,
  { log, output }: NotifierParts,
): Promise<RunningNotifier> {
  return openService(
    { name: "notifier", config, profile: config.NOTIFIER_PROFILE, log },
    (parts) => openNotifier(parts, output),
  );
}

async function openNotifier(
  parts: ServiceParts<NotifierConfig>,
  output: LineOutput,
): Promise<{ readonly url: string; readonly failed: Promise<never> }> {
  const { config, log, metrics, tracing, opened } = parts;
  const { NOTIFIER_DATABASE_URL: url, NOTIFIER_MIGRATION_DATABASE_URL: migrationUrl } = config;
  const bus = await createBus(config, log);
  opened.push("the bus", () => bus.close());
  // Runs beside the migration. The subscription repeats and reports a failure.
  bus.ensureTopic(ORDER_EVENTS).catch(() => {});
  await migrate({ url: migrationUrl ?? url, folder: MIGRATIONS });
  const pool = new Pool({
    url,
    role: "primary",
    max: CONNECTIONS_MAX,
    applicationName: "notifier",
    prepared: config.NOTIFIER_DATABASE_PREPARED_STATEMENTS,
    observe: observedStatements(metrics, tracing),
  });
  opened.push("the database", () => pool.close());
  await checkDefaults(pool, "NOTIFIER_DATABASE_URL", newContext());
  const lastShown = new PostgresLastShown(pool, (batcher) => batcherMetrics(metrics, batcher));

  const system = busSystem(config);
  watchLag(bus, { topic: ORDER_EVENTS, group: NOTIFIER_GROUP, system }, metrics);

  const forgetting = finalForgetter({ lastShown }, {
    clock: systemClock,
    newContext,
    onError: (error) =>
      log.warn("cannot delete the records of orders that ended long ago", { error }),
  });
  forgetting.start();
  opened.push("forgetting", () => forgetting.close());

  const sink = createLogLineSink({ format: config.LOG_FORMAT, output, tracing });
  const onOutcome = outcomeMetrics(metrics, systemClock);
  const onSkipped = skippedEvents(metrics, log, systemClock);
  const handle = handleMessages({ lastShown, sink, onOutcome, onSkipped });
  const watching = { tracing, metrics, clock: systemClock, system };
  const events = { topic: ORDER_EVENTS, group: NOTIFIER_GROUP, handle };
  const subscription = await bus.subscribe(observedSubscription(events, watching));
  opened.push("the subscription", () => subscription.close());

  const probes = probeRoutes(parts, { database: (context) => lastShown.check(context) });
  const app = createHttpApp({ log, metrics, tracing });
  mount(app, [...probes, startPageRoute(START_PAGE, OPERATION_LINKS)]);
  const listening = { address: config.NOTIFIER_HTTP, drainMaxMs: DRAIN_MAX_MS };
  const http = await listenHttp(app.fetch, listening, parts);
  log.info("notifier is listening", {
    http,
    messaging_destination_name: ORDER_EVENTS.name,
    messaging_consumer_group_name: NOTIFIER_GROUP,
  });
  return { url: http, failed: subscription.failed };
}

function newContext(): RequestContext {
  return backgroundContext(STATEMENT_TIMEOUT_MS);
}
