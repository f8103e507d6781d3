import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ORDER_EVENTS } from "../proto/order-event.ts";
import { systemClock } from "../shared/async/clock.ts";
import { RequestContext } from "../shared/async/request-context.ts";
import { busSystem, createBus } from "../shared/bus/create-bus.ts";
import { observedPublisher } from "../shared/bus/observed.ts";
import { type ThrottledLog, throttledLog } from "../shared/telemetry/throttled-log.ts";
import { formatHostPort } from "../shared/config.ts";
import { serve } from "../shared/http/listen.ts";
import type { ReadyCheck } from "../shared/http/probes.ts";
import { openProfileListener } from "../shared/http/profile-listener.ts";
import { CloseStack, Readiness, type RunningService } from "../shared/lifecycle.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import type { ProcessLog } from "../shared/telemetry/log.ts";
import { watchLog } from "../shared/telemetry/log-metrics.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { openTracing } from "../shared/otlp/open-tracing.ts";
import { childTraceparent } from "../shared/telemetry/traceparent.ts";
import type { Tracing } from "../shared/telemetry/tracing.ts";
import type { LomsConfig } from "./config.ts";
import { type Databases, openDatabases } from "./databases.ts";
import type { Deps } from "./domain/deps.ts";
import { orderExpirer } from "./domain/expire-orders.ts";
import { followReadiness } from "./grpc/follow-readiness.ts";
import { startLomsGrpc } from "./grpc/server.ts";
import { createLomsHttp } from "./http/app.ts";
import { outboxBacklog, watchBacklog } from "./outbox/backlog.ts";
import { outboxCleaner } from "./outbox/clean.ts";
import { outboxWait } from "./outbox/order-event-message.ts";
import { Relay, relayMetrics } from "./outbox/relay.ts";
import { stopRelay } from "./outbox/stop-relay.ts";
import { PRIMARY_POSITION } from "./repository/statements.ts";
import { createOrderWriter } from "./repository/writer.ts";
import { createRpc } from "./rpc/chain.ts";
import { rpcMethods } from "./rpc/methods.ts";

/** A step of the expirer is one statement; one that takes longer is tried again. */
const EXPIRE_TIMEOUT_MS = 2_000;
/** How long a stop waits for HTTP requests under way; gRPC takes as long at most. */
const DRAIN_MAX_MS = 6_000;
const MIGRATIONS = fileURLToPath(new URL("../drizzle/loms/migrations", import.meta.url));

export interface RunningLoms extends RunningService {
  /** Of the HTTP door, without a slash at the end. */
  readonly url: string;
  /** `host:port`. */
  readonly grpcAddress: string;
}

/** What every part is opened with. */
interface Opening {
  readonly config: LomsConfig;
  readonly log: ProcessLog;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly logThrottled: ThrottledLog;
  readonly opened: CloseStack;
}

/** loms, serving when this resolves. What was opened is closed again when a later part fails. */
export async function startLoms(config: LomsConfig, log: ProcessLog): Promise<RunningLoms> {
  const opened = new CloseStack();
  const metrics = new Metrics("loms");
  metrics.watchProcess();
  watchLog(log, metrics);
  const tracing = await openTracing(config, metrics, log);
  opened.push("the spans", () => tracing.close());
  const logThrottled = throttledLog(log, systemClock);
  const opening = { config, log, metrics, tracing, logThrottled, opened };
  try {
    const { DATABASE_URL: url, MIGRATION_DATABASE_URL: migrationUrl } = config;
    await migrate({ url: migrationUrl ?? url, folder: MIGRATIONS });
    const databases = await openDatabases(opening);
    const { reads, writes, reader } = databases;
    watchBacklog((context) => outboxBacklog(reads, context), metrics);
    const relay = await openRelay(databases, opening);
    const paymentTimeoutMs = config.ORDER_PAYMENT_TIMEOUT;
    const writer = createOrderWriter({ pool: writes, paymentTimeoutMs, metrics });
    const deps = { writer, reader, wakeRelay: () => relay.wake() };
    openExpirer(deps, opening);
    await openProfileListener(config.LOMS_PROFILE, log, opened);
    const doors = await openDoors(deps, databases, opening);
    log.info("loms serves", { http: doors.url, grpc: doors.grpcAddress });
    return { ...doors, close: () => opened.close() };
  } catch (error) {
    await opened.close().catch((failure: unknown) => {
      log.error("not everything closed", { error: failure });
    });
    throw error;
  }
}

/** What publishes order events, and what deletes them from the outbox later. */
async function openRelay(
  { writes, marks }: Pick<Databases, "writes" | "marks">,
  opening: Opening,
): Promise<Relay> {
  const { config, log, metrics, tracing, logThrottled, opened } = opening;
  const bus = await createBus(config, log);
  opened.push("the bus", () => bus.close());
  const observing = { metrics, tracing, clock: systemClock, system: busSystem(config) };
  const relay = new Relay({
    writes,
    marks,
    bus: observedPublisher(bus, { ...observing, wait: outboxWait(systemClock) }),
    topic: ORDER_EVENTS,
    clock: systemClock,
    relayId: randomUUID(),
    onError: (error) => logThrottled("warn", "order events wait for the bus", error),
    onBatch: relayMetrics(metrics),
    onRefused: (event) => log.error("the bus refuses an order event permanently", { ...event }),
  });
  // Before the first event, so that whoever watches the start sees what is wrong with the topic.
  bus.ensureTopic(ORDER_EVENTS)
    .catch((error: unknown) => logThrottled("warn", "the bus is not ready", error));
  relay.start();
  opened.push("the relay", () => stopRelay(relay, systemClock));
  const cleaner = outboxCleaner({
    pool: marks,
    clock: systemClock,
    onError: (error) => logThrottled("warn", "the outbox could not be cleaned", error),
  });
  cleaner.start();
  opened.push("the outbox cleaner", () => cleaner.close());
  return relay;
}

function openExpirer(deps: Deps, { logThrottled, opened }: Opening): void {
  const expirer = orderExpirer(deps, {
    clock: systemClock,
    newContext: () =>
      new RequestContext({
        traceparent: childTraceparent(undefined),
        timeoutMs: EXPIRE_TIMEOUT_MS,
      }),
    onError: (error) => logThrottled("warn", "orders could not be expired", error),
  });
  expirer.start();
  opened.push("the expirer", () => expirer.close());
}

/** Both doors, and what says whether they are open: the first thing to end when loms stops. */
async function openDoors(
  deps: Deps,
  { reads, replication }: Databases,
  { config, log, metrics, tracing, opened }: Opening,
): Promise<{ url: string; grpcAddress: string }> {
  const readiness = new Readiness();
  const database: ReadyCheck = async (context) => {
    await reads.run(PRIMARY_POSITION, [], context);
  };
  const checks = { database, replica: () => replication.check() };
  const rpc = createRpc(rpcMethods(deps), { log, metrics, tracing });
  const app = createLomsHttp({
    rpc,
    log,
    metrics,
    tracing,
    readiness,
    checks,
    cartOrigins: config.CART_ORIGINS,
  });

  const doors: { close(): Promise<void> }[] = [];
  opened.push("the doors", async () => {
    await Promise.all(doors.map((door) => door.close()));
  });
  const grpc = await startLomsGrpc(
    config.LOMS_GRPC,
    rpc,
    tracing.startTraceparent,
    Object.keys(checks),
  );
  doors.push(grpc);
  // The last to open, because /readyz speaks for both.
  const http = await serve(app.fetch, config.LOMS_HTTP);
  doors.push({ close: () => http.close(DRAIN_MAX_MS) });

  const unfollow = followReadiness(grpc.health, checks);
  opened.push("readiness", async () => {
    unfollow();
    grpc.health.set(false);
    await readiness.stop();
  });
  return { url: http.url, grpcAddress: formatHostPort(grpc.address) };
}
