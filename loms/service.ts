import { fileURLToPath } from "node:url";
import { formatHostPort } from "../shared/config.ts";
import type { ReadyCheck } from "../shared/http/health.ts";
import { serve } from "../shared/http/serve.ts";
import { CloseStack, Readiness, type RunningService } from "../shared/lifecycle.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { Pool } from "../shared/postgres/pool.ts";
import type { Logger } from "../shared/telemetry/log.ts";
import type { LomsConfig } from "./config.ts";
import type { Deps } from "./domain/deps.ts";
import { followReadiness } from "./grpc/follow-readiness.ts";
import { startLomsGrpc } from "./grpc/server.ts";
import { createLomsHttp } from "./http/app.ts";
import { OrderReads } from "./repository/order-reads.ts";
import { PRIMARY_POSITION } from "./repository/statements.ts";
import { createOrderWriter } from "./repository/writer.ts";
import { createRpc } from "./rpc/chain.ts";
import { rpcMethods } from "./rpc/methods.ts";

/** Statements at once on the primary; more only wait for its locks. */
const PRIMARY_CONNECTIONS_MAX = 10;
/** Ends a statement that nobody waits for any more; callers give up earlier, at their deadline. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** How long a stop waits for HTTP requests under way; gRPC takes as long at most. */
const DRAIN_MAX_MS = 6_000;
const MIGRATIONS = fileURLToPath(new URL("../drizzle/loms/migrations", import.meta.url));

/** The parts that loms cannot serve without, by name. */
type Checks = Readonly<Record<string, ReadyCheck>>;

export interface RunningLoms extends RunningService {
  /** Of the HTTP door, without a slash at the end. */
  readonly url: string;
  /** `host:port`. */
  readonly grpcAddress: string;
}

/** loms, serving when this resolves. What was opened is closed again when a later part fails. */
export async function startLoms(config: LomsConfig, log: Logger): Promise<RunningLoms> {
  const opened = new CloseStack();
  try {
    return await open(config, log, opened);
  } catch (error) {
    await opened.close().catch((failure: unknown) => log.error("closing", { error: failure }));
    throw error;
  }
}

async function open(config: LomsConfig, log: Logger, opened: CloseStack): Promise<RunningLoms> {
  await migrate({ url: config.DATABASE_URL, folder: MIGRATIONS });

  const primary = new Pool({
    url: config.DATABASE_URL,
    role: "primary",
    max: PRIMARY_CONNECTIONS_MAX,
    applicationName: "loms",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  opened.push("the primary's pool", () => primary.close());

  const writer = createOrderWriter({
    pool: primary,
    paymentTimeoutMs: config.ORDER_PAYMENT_TIMEOUT,
  });
  const reader = new OrderReads(primary);

  const checks: Checks = {
    database: async (context) => void await primary.run(PRIMARY_POSITION, [], context),
  };
  const doors = await openDoors(
    { writer, reader, wakeRelay: () => {} },
    checks,
    config,
    log,
    opened,
  );
  log.info("loms serves", { http: doors.url, grpc: doors.grpcAddress });
  return { ...doors, close: () => opened.close() };
}

/** The doors, and what says whether they are open: the first thing to end when loms stops. */
async function openDoors(
  deps: Deps,
  checks: Checks,
  config: LomsConfig,
  log: Logger,
  opened: CloseStack,
): Promise<{ url: string; grpcAddress: string }> {
  const readiness = new Readiness();
  const rpc = createRpc(rpcMethods(deps), log);
  const app = createLomsHttp({ rpc, log, readiness, checks });

  const doors: { close(): Promise<void> }[] = [];
  opened.push("the doors", async () => {
    await Promise.all(doors.map((door) => door.close()));
  });
  const http = await serve(app.fetch, config.LOMS_HTTP);
  doors.push({ close: () => http.close(DRAIN_MAX_MS) });
  const grpc = await startLomsGrpc(config.LOMS_GRPC, rpc);
  doors.push(grpc);

  const unfollow = followReadiness(grpc.health, checkAll(checks));
  opened.push("readiness", () => {
    readiness.stop();
    unfollow();
    grpc.health.set(false);
  });
  return { url: http.url, grpcAddress: formatHostPort(grpc.address) };
}

function checkAll(checks: Checks): ReadyCheck {
  return async (context) => {
    await Promise.all(Object.values(checks).map(async (check) => await check(context)));
  };
}
