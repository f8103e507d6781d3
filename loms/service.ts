import { fileURLToPath } from "node:url";
import { systemClock } from "../shared/async/request-context.ts";
import { formatHostPort } from "../shared/config.ts";
import { type HttpServer, ListenError, serve } from "../shared/http/listen.ts";
import { probeRoutes, type ReadyCheck } from "../shared/http/probes.ts";
import { DRAIN_MAX_MS, type RunningService } from "../shared/lifecycle.ts";
import { openService, type ServiceParts } from "../shared/open-service.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import type { ProcessLog } from "../shared/telemetry/log.ts";
import { backgroundContext } from "../shared/telemetry/tracing.ts";
import type { LomsConfig } from "./config.ts";
import { type Databases, openDatabases } from "./databases.ts";
import type { Deps } from "./domain/deps.ts";
import { orderExpirer } from "./domain/expire-orders.ts";
import type { StockDeps } from "./domain/stock-deps.ts";
import { followReadiness } from "./grpc/follow-readiness.ts";
import { startLomsGrpc } from "./grpc/server.ts";
import { createAdminHttp } from "./http/admin.ts";
import { createLomsHttp } from "./http/app.ts";
import { openRelays } from "./relays.ts";
import { PRIMARY_POSITION } from "./repository/statements.ts";
import { createStockWriter } from "./repository/stock-writer.ts";
import { createGroupedWriter, createOrderListWriter } from "./repository/writer.ts";
import { createRpc } from "./rpc/rpc.ts";

/** Timeout of a step of the expirer, which is one statement; it is retried. */
const EXPIRE_TIMEOUT_MS = 2_000;
const MIGRATIONS = fileURLToPath(new URL("../drizzle/loms/migrations", import.meta.url));

export interface RunningLoms extends RunningService {
  /** URL of the HTTP listener, without a trailing slash. */
  readonly url: string;
  /** `host:port`. */
  readonly grpcAddress: string;
  /** URL of the admin listener; undefined if there is none. */
  readonly adminUrl: string | undefined;
}

type Opening = ServiceParts<LomsConfig>;

/** Starts loms; it is listening when this resolves. */
export function startLoms(config: LomsConfig, log: ProcessLog): Promise<RunningLoms> {
  return openService({ name: "loms", config, profile: config.LOMS_PROFILE, log }, openLoms);
}

async function openLoms(parts: Opening): Promise<Omit<RunningLoms, "close">> {
  const { config, log, metrics } = parts;
  const { DATABASE_URL: url, MIGRATION_DATABASE_URL: migrationUrl } = config;
  await migrate({ url: migrationUrl ?? url, folder: MIGRATIONS });
  const databases = await openDatabases(parts);
  const { writes, reader, orderPages } = databases;
  const relays = await openRelays(databases, parts);
  const lists = createOrderListWriter({
    pool: writes,
    paymentTimeoutMs: config.ORDER_PAYMENT_TIMEOUT,
    metrics,
    onEvents(events, stockEvents) {
      if (events.length > 0) relays.orders.offer(events);
      if (stockEvents) relays.stock.wake();
    },
  });
  const writer = createGroupedWriter(lists, metrics);
  const deps = { writer, reader, orderPages };
  openExpirer(deps, parts);
  const stockDeps = {
    stockWriter: createStockWriter(writes),
    stockReader: databases.stockReader,
    wakeStockRelay: () => relays.stock.wake(),
  };
  const addresses = await openTransports({ ...deps, ...stockDeps }, databases, parts);
  const { url: http, grpcAddress: grpc, adminUrl: admin } = addresses;
  log.info("loms is listening", { http, grpc, admin });
  return addresses;
}

function openExpirer(deps: Deps, { logThrottled, opened }: Opening): void {
  const expirer = orderExpirer(deps, {
    clock: systemClock,
    newContext: () => backgroundContext(EXPIRE_TIMEOUT_MS),
    onError: (error) => logThrottled("warn", "orders could not be expired", error),
  });
  expirer.start();
  opened.push("the expirer", () => expirer.close());
}

/** Opens the gRPC server, the HTTP listeners and their readiness, which a stop ends first. */
async function openTransports(
  deps: Deps & StockDeps,
  { reads, replication }: Databases,
  parts: Opening,
): Promise<Omit<RunningLoms, "close">> {
  const { config, log, metrics, tracing, readiness, opened } = parts;
  const database: ReadyCheck = async (context) => {
    await reads.run(PRIMARY_POSITION, [], context);
  };
  const checks = { database, replica: () => replication.check() };
  const rpc = createRpc(deps, { log, metrics, tracing });
  const options = { log, metrics, tracing, origins: config.CART_ORIGINS };
  const app = createLomsHttp(rpc, probeRoutes(parts, checks), options);

  const transports: { close(): Promise<void> }[] = [];
  opened.push("the gRPC server and the HTTP listeners", async () => {
    await Promise.all(transports.map((transport) => transport.close()));
  });
  const admin = await openAdmin(deps, parts);
  if (admin) transports.push({ close: () => admin.close(DRAIN_MAX_MS) });
  const grpc = await startLomsGrpc(
    config.LOMS_GRPC,
    rpc,
    tracing.startTraceparent,
    Object.keys(checks),
  );
  transports.push(grpc);
  // Opened last, because /readyz covers both.
  const http = await serve(app.fetch, config.LOMS_HTTP);
  transports.push({ close: () => http.close(DRAIN_MAX_MS) });

  const unfollow = followReadiness(grpc.health, checks);
  opened.push("readiness", async () => {
    unfollow();
    grpc.health.set(false);
    await readiness.stop();
  });
  return { url: http.url, grpcAddress: formatHostPort(grpc.address), adminUrl: admin?.url };
}

/**
 * Opens the admin listener. Several loms on one machine have the same default address: one of them
 * gets it, the others run without an admin listener.
 */
async function openAdmin(
  deps: StockDeps,
  { config, log, metrics, tracing }: Opening,
): Promise<HttpServer | undefined> {
  const { LOMS_ADMIN: address, LOMS_ADMIN_TOKEN: token } = config;
  const app = createAdminHttp(deps, { log, metrics, tracing, token });
  try {
    return await serve(app.fetch, address);
  } catch (error) {
    if (config.ADMIN_CHOSEN || !(error instanceof ListenError)) throw error;
    log.warn("the admin listener is disabled", { detail: error.message });
    return undefined;
  }
}
