import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ORDER_EVENTS } from "../proto/order-event.ts";
import { systemClock } from "../shared/async/clock.ts";
import { RequestContext } from "../shared/async/request-context.ts";
import { createBus } from "../shared/bus/create-bus.ts";
import { measuredPublisher } from "../shared/bus/measured-bus.ts";
import { type SeldomLog, seldomLog } from "../shared/bus/seldom-log.ts";
import { formatHostPort } from "../shared/config.ts";
import type { ReadyCheck } from "../shared/http/health.ts";
import { serve } from "../shared/http/serve.ts";
import { CloseStack, Readiness, type RunningService } from "../shared/lifecycle.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { Pool } from "../shared/postgres/pool.ts";
import { statementMetrics } from "../shared/postgres/statement-metrics.ts";
import type { Logger } from "../shared/telemetry/log.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { childTraceparent } from "../shared/telemetry/traceparent.ts";
import type { LomsConfig } from "./config.ts";
import type { Deps, OrderReader } from "./domain/deps.ts";
import { orderExpirer } from "./domain/expire-orders.ts";
import { followReadiness } from "./grpc/follow-readiness.ts";
import { startLomsGrpc } from "./grpc/server.ts";
import { createLomsHttp } from "./http/app.ts";
import { outboxBacklog } from "./outbox/backlog.ts";
import { watchBacklog } from "./outbox/backlog-metrics.ts";
import { outboxCleaner } from "./outbox/clean.ts";
import { Relay } from "./outbox/relay.ts";
import { stopRelay } from "./outbox/stop-relay.ts";
import { createOrderReader, REPLICA_STATEMENT_TIMEOUT_MS } from "./repository/reader.ts";
import { PRIMARY_POSITION } from "./repository/statements.ts";
import { createOrderWriter } from "./repository/writer.ts";
import { createRpc } from "./rpc/chain.ts";
import { measuring } from "./rpc/measuring.ts";
import { rpcMethods } from "./rpc/methods.ts";

/** Statements at once on each server; more only wait for the same locks and the same processor. */
const CONNECTIONS_MAX = 10;
/** Ends a statement that nobody waits for any more: callers give up at their deadline, earlier. */
const STATEMENT_TIMEOUT_MS = 10_000;
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
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly logSeldom: SeldomLog;
  readonly opened: CloseStack;
}

/** loms, serving when this resolves. What was opened is closed again when a later part fails. */
export async function startLoms(config: LomsConfig, log: Logger): Promise<RunningLoms> {
  const opened = new CloseStack();
  const metrics = new Metrics("loms");
  metrics.watchProcess();
  const opening = { config, log, metrics, logSeldom: seldomLog(log, systemClock), opened };
  try {
    await migrate({ url: config.DATABASE_URL, folder: MIGRATIONS });
    const primary = openPrimary(opening);
    const reader = await openReader(primary, opening);
    const relay = openRelay(primary, opening);
    const writer = createOrderWriter({
      pool: primary,
      paymentTimeoutMs: config.ORDER_PAYMENT_TIMEOUT,
    });
    const deps = { writer, reader, wakeRelay: () => relay.wake() };
    openExpirer(deps, opening);
    const doors = await openDoors(deps, primary, opening);
    log.info("loms serves", { http: doors.url, grpc: doors.grpcAddress });
    return { ...doors, close: () => opened.close() };
  } catch (error) {
    await opened.close().catch((failure: unknown) => {
      log.error("not everything closed", { error: failure });
    });
    throw error;
  }
}

function openPrimary({ config, metrics, opened }: Opening): Pool {
  const primary = new Pool({
    url: config.DATABASE_URL,
    role: "primary",
    max: CONNECTIONS_MAX,
    applicationName: "loms",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    observe: statementMetrics(metrics),
  });
  opened.push("the primary", () => primary.close());
  watchBacklog((context) => outboxBacklog(primary, context), metrics);
  return primary;
}

async function openReader(primary: Pool, opening: Opening): Promise<OrderReader> {
  const { config, log, metrics, opened } = opening;
  const members = config.DATABASE_REPLICA_URLS.map((url, index) => {
    const name = `replica ${index + 1}`;
    const pool = new Pool({
      url,
      role: "replica",
      max: CONNECTIONS_MAX,
      applicationName: "loms",
      statementTimeoutMs: REPLICA_STATEMENT_TIMEOUT_MS,
      observe: statementMetrics(metrics),
    });
    opened.push(name, () => pool.close());
    return { name, pool };
  });
  const { reader, replicas } = createOrderReader({
    primary,
    replicas: members,
    clock: systemClock,
    onHealth: ({ name }, healthy) => {
      if (healthy) log.info("a replica serves reads", { replica: name });
      else log.warn("a replica serves no reads", { replica: name });
    },
  });
  await replicas.step();
  replicas.start();
  opened.push("the probes of the replicas", () => replicas.close());
  return reader;
}

/** What publishes order events, and what deletes them from the outbox later. */
function openRelay(primary: Pool, opening: Opening): Relay {
  const { config, log, metrics, logSeldom, opened } = opening;
  const bus = createBus(config, log);
  opened.push("the bus", () => bus.close());
  const relay = new Relay({
    pool: primary,
    bus: measuredPublisher(bus, metrics, systemClock),
    topic: ORDER_EVENTS,
    clock: systemClock,
    relayId: randomUUID(),
    onError: (error) => logSeldom("warn", "order events wait for the bus", error),
  });
  relay.start();
  opened.push("the relay", () => stopRelay(relay, systemClock));
  const cleaner = outboxCleaner({
    pool: primary,
    clock: systemClock,
    onError: (error) => logSeldom("warn", "the outbox could not be cleaned", error),
  });
  cleaner.start();
  opened.push("the outbox cleaner", () => cleaner.close());
  return relay;
}

function openExpirer(deps: Deps, { logSeldom, opened }: Opening): void {
  const expirer = orderExpirer(deps, {
    clock: systemClock,
    newContext: () =>
      new RequestContext({
        traceparent: childTraceparent(undefined),
        timeoutMs: EXPIRE_TIMEOUT_MS,
      }),
    onError: (error) => logSeldom("warn", "orders could not be expired", error),
  });
  expirer.start();
  opened.push("the expirer", () => expirer.close());
}

/** Both doors, and what says whether they are open: the first thing to end when loms stops. */
async function openDoors(
  deps: Deps,
  primary: Pool,
  { config, log, metrics, opened }: Opening,
): Promise<{ url: string; grpcAddress: string }> {
  const readiness = new Readiness();
  const canServe: ReadyCheck = async (context) => {
    await primary.run(PRIMARY_POSITION, [], context);
  };
  const rpc = createRpc(rpcMethods(deps), log, [measuring(metrics)]);
  const app = createLomsHttp({ rpc, log, metrics, readiness, checks: { database: canServe } });

  const doors: { close(): Promise<void> }[] = [];
  opened.push("the doors", async () => {
    await Promise.all(doors.map((door) => door.close()));
  });
  const grpc = await startLomsGrpc(config.LOMS_GRPC, rpc);
  doors.push(grpc);
  // The last to open, because /readyz speaks for both.
  const http = await serve(app.fetch, config.LOMS_HTTP);
  doors.push({ close: () => http.close(DRAIN_MAX_MS) });

  const unfollow = followReadiness(grpc.health, canServe);
  opened.push("readiness", async () => {
    unfollow();
    grpc.health.set(false);
    await readiness.stop();
  });
  return { url: http.url, grpcAddress: formatHostPort(grpc.address) };
}
