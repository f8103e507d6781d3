import { createHash } from "node:crypto";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { type Clock, systemClock, within } from "../async/clock.ts";
import type { RequestContext } from "../async/request-context.ts";
import { formatHostPort } from "../config.ts";
import { AppError } from "../errors.ts";
import { DB_CLIENT_OPERATION_DURATION_SECONDS } from "../telemetry/database-metrics.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import {
  childTraceparent,
  observed,
  type ObservedSpan,
  type Tracing,
} from "../telemetry/tracing.ts";
import type { StoreAddress } from "./store-url.ts";

/** How long a command may take, with the wait for a connection, if the deadline is later. */
const COMMAND_MAX_MS = 2_000;
/** A connection without an answer for so long is given up: the server may have been replaced. */
const SILENCE_MAX_MS = 3_000;
const CONNECT_MAX_MS = 2_000;
const RECONNECT_MAX_MS = 500;
/** How old the places of the slots in a cluster may be. */
const SLOTS_REFRESH_MS = 5_000;
/** How long a replica may take to have an attempt. */
const REPLICA_WAIT_MAX_MS = 1_000;
/** What a refused caller should wait. */
const RETRY_AFTER_MS = 1_000;
const DB_SYSTEM = "redis";
/** Begins the message of an error of the script or of its call: a defect of ours. */
const DEFECT = /^ERR |^WRONGTYPE /;

/** A call of a Lua script, which runs in one step. */
export interface ScriptCall {
  readonly lua: string;
  /** For metrics and spans. */
  readonly operation: string;
  /** All of them have one hash tag. */
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** The authentication of both sides of a TLS connection, as PEM texts. */
export interface StoreTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ValkeyOptions {
  readonly address: StoreAddress;
  readonly tls: StoreTls;
  /** What it is for, in metrics: the name of a pool of one connection. */
  readonly name: string;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Called when a connection fails. */
  readonly onError: (error: Error) => void;
  readonly clock?: Clock;
}

/**
 * A client of Valkey or Redis: one server, a cluster, or a primary that sentinels name. It connects
 * again by itself. A command is sent once: one whose answer was lost has an unknown outcome.
 */
export class Valkey {
  readonly #client: Redis | Cluster;
  readonly #options: ValkeyOptions;
  readonly #clock: Clock;
  readonly #shaByLua = new Map<string, string>();

  /** Does not wait for the connection. */
  constructor(options: ValkeyOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#client = open(options.address, options.tls);
    this.#client.on("error", options.onError);
    // One for each call that waits for the connection.
    this.#client.setMaxListeners(0);
    this.#client.connect().catch(() => {});
  }

  /**
   * Runs a script and resolves with what it returns.
   * @throws {AppError} `unavailable` when there is no answer before the deadline
   */
  run(call: ScriptCall, context: RequestContext): Promise<unknown> {
    return this.#observed(call.operation, context, () => this.#evaluate(call));
  }

  /**
   * Waits until a replica has the key, with what was written to its server before. The key then
   * lasts for `ttlMs`. Resolves with false when the server does not have it.
   * @throws {AppError} `unavailable` when no replica has it in time
   */
  async replicated(key: string, ttlMs: number, context: RequestContext): Promise<boolean> {
    const waitMs = Math.max(1, Math.min(REPLICA_WAIT_MAX_MS, Math.floor(context.remainingMs())));
    // The first command leads both to the server of the key, also in a cluster. It is a write: WAIT
    // looks at the writes of its own connection, and the client may have connected again, even to a
    // new primary, which lacks the key.
    const wait = () => this.#client.pipeline().pexpire(key, ttlMs).wait(1, waitMs).exec();
    const replies = await this.#observed("wait", context, wait);
    const [kept, has] = (replies ?? []).map(([, count]) => count);
    if (kept === 0) return false;
    if (!(Number(has) >= 1)) {
      // The server lets those that wait on one connection wait one after another, as long each.
      this.#client.disconnect(true);
      throw unavailable("no replica has the attempt in time");
    }
    return true;
  }

  /** Ends the connections. Commands under way fail. */
  close(): void {
    this.#client.disconnect();
  }

  async #evaluate({ lua, keys, args }: ScriptCall): Promise<unknown> {
    let sha = this.#shaByLua.get(lua);
    if (!sha) this.#shaByLua.set(lua, sha = createHash("sha1").update(lua).digest("hex"));
    try {
      return await this.#client.call("evalsha", sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
      return await this.#client.call("eval", lua, keys.length, ...keys, ...args);
    }
  }

  #observed<Result>(
    operation: string,
    context: RequestContext,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { name, metrics, tracing, address: { database } } = this.#options;
    const durations = metrics.histogram(DB_CLIENT_OPERATION_DURATION_SECONDS);
    const measure = (code: string | undefined, seconds: number) =>
      durations.observe({
        db_system_name: DB_SYSTEM,
        db_namespace: String(database),
        db_operation_name: operation,
        db_client_connection_pool_name: name,
        ...(code && { error_type: code }),
      }, seconds);
    const { traceparent: parent } = context;
    const span: ObservedSpan | undefined = tracing.isSampled(parent)
      ? {
        ...{ tracing, traceparent: childTraceparent(parent), parent, kind: "client" },
        name: `${operation} ${name}`,
        describe: (error) => ({
          attributes: {
            "db.system.name": DB_SYSTEM,
            "db.namespace": String(database),
            "db.operation.name": operation,
            "db.client.connection.pool.name": name,
          },
          error,
        }),
      }
      : undefined;
    return observed(() => this.#inTime(context, work), { clock: this.#clock, measure, span });
  }

  async #inTime<Result>(context: RequestContext, work: () => Promise<Result>): Promise<Result> {
    const timeoutMs = Math.min(COMMAND_MAX_MS, context.remainingMs());
    const late = () => {
      throw unavailable(`no answer within ${Math.round(timeoutMs)} ms`);
    };
    try {
      return await within(this.#clock, timeoutMs, this.#whenReady(work, timeoutMs), late);
    } catch (error) {
      if (error instanceof AppError || DEFECT.test((error as Error).message)) throw error;
      throw unavailable((error as Error).message);
    }
  }

  async #whenReady<Result>(work: () => Promise<Result>, timeoutMs: number): Promise<Result> {
    if (this.#client.status !== "ready") await this.#ready(timeoutMs);
    return await work();
  }

  #ready(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onReady = () => {
        cancelTimer();
        resolve();
      };
      // Rejects, so that a command whose caller has left is not sent.
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => {
        this.#client.off("ready", onReady);
        reject(new Error(`not connected within ${Math.round(timeoutMs)} ms`));
      });
      this.#client.once("ready", onReady);
    });
  }
}

function open(address: StoreAddress, tls: StoreTls): Redis | Cluster {
  const { kind, hosts, username, password, sentinelPassword } = address;
  const options = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(address.tls && { tls }),
    connectionName: "marketplace",
    connectTimeout: CONNECT_MAX_MS,
    socketTimeout: SILENCE_MAX_MS,
    lazyConnect: true,
    // An addition that was sent twice would count twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  } satisfies RedisOptions;
  const reconnectMs = (times: number) => Math.min(times * 50, RECONNECT_MAX_MS);
  if (kind === "cluster") {
    return new Cluster([...hosts], {
      redisOptions: options,
      lazyConnect: true,
      slotsRefreshInterval: SLOTS_REFRESH_MS,
      clusterRetryStrategy: reconnectMs,
      // Else it sends again what was under way when a connection ended.
      retryDelayOnFailover: 0,
    });
  }
  const single = {
    ...options,
    db: address.database,
    // A command waits for the connection before it is sent, see #ready().
    enableOfflineQueue: false,
    retryStrategy: reconnectMs,
    // A primary that has become a replica refuses before it does anything.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
  } satisfies RedisOptions;
  if (kind === "server") return new Redis({ ...single, ...hosts[0] });
  return new Redis({
    ...single,
    sentinels: [...hosts],
    name: address.primary as string,
    // Ends the connection to a primary that hangs once the sentinels have replaced it.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectMs,
    sentinelCommandTimeout: CONNECT_MAX_MS,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(address.tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  });
}

/** The reason is for the log. An error of the server also holds the command, with its arguments. */
function unavailable(reason: string): AppError {
  return new AppError("unavailable", "The store of carts cannot answer", {
    cause: new Error(reason),
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** The address for logs, without a password. */
export function describeStore({ kind, hosts, primary }: StoreAddress): string {
  const named = hosts.map(formatHostPort).join(",");
  return primary === undefined ? `${kind} ${named}` : `${kind} ${named}, primary ${primary}`;
}
