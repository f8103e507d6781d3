import { createHash } from "node:crypto";
import { type ChainableCommander, Cluster, Redis, type RedisOptions } from "ioredis";
import { type Clock, type RequestContext, systemClock, within } from "../async/request-context.ts";
import { formatHostPort } from "../config.ts";
import { AppError } from "../errors.ts";
import type { Certificates } from "../pem-files.ts";
import { DB_CLIENT_OPERATION_DURATION_SECONDS } from "../telemetry/database-metrics.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import {
  childTraceparent,
  observed,
  type ObservedSpan,
  type Tracing,
} from "../telemetry/tracing.ts";
import type { StoreAddress } from "./store-url.ts";

/** Timeout of a command, including the wait for a connection, if the deadline is later. */
const COMMAND_MAX_MS = 2_000;
/** A connection without an answer for this long is closed: the server may have been replaced. */
const SILENCE_MAX_MS = 3_000;
const CONNECT_MAX_MS = 2_000;
const RECONNECT_MAX_MS = 500;
/** Maximum age of the slot table of a cluster. */
const SLOTS_REFRESH_MS = 5_000;
/** How long a replica may take to have an attempt. */
const REPLICA_WAIT_MAX_MS = 1_000;
/** Retry-After of a refused call. */
const RETRY_AFTER_MS = 1_000;
const DB_SYSTEM = "redis";
/** Prefix of the messages of errors in the script or its call, which are defects. */
const DEFECT = /^ERR |^WRONGTYPE /;

/** A call of a Lua script, which is atomic. */
export interface ScriptCall {
  readonly lua: string;
  /** The operation in metrics and spans. */
  readonly operation: string;
  /** All have the same hash tag. */
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

export interface ValkeyOptions {
  readonly address: StoreAddress;
  readonly tls: Certificates;
  /** Its name in metrics: a pool of one connection. */
  readonly name: string;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Called when a connection fails. */
  readonly onError: (error: Error) => void;
  readonly clock?: Clock;
}

/**
 * A client of Valkey or Redis: one server, a cluster, or a primary that sentinels name. It
 * reconnects automatically. A command is sent once; without an answer its outcome is unknown.
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
    // One listener for each call that waits for the connection.
    this.#client.setMaxListeners(0);
    this.#client.connect().catch(() => {});
  }

  /**
   * Runs a script and resolves with its result.
   * @throws {AppError} `unavailable` if there is no answer before the deadline
   */
  run(call: ScriptCall, context: RequestContext): Promise<unknown> {
    return this.#observed(call.operation, context, () => this.#evaluate(call));
  }

  /**
   * Waits until a replica has the key and earlier writes to its server. The key then lasts for
   * `ttlMs`. Resolves with false if the server does not have the key.
   * @throws {AppError} `unavailable` if no replica has it in time
   */
  async replicated(key: string, ttlMs: number, context: RequestContext): Promise<boolean> {
    const waitMs = Math.max(1, Math.min(REPLICA_WAIT_MAX_MS, Math.floor(context.remainingMs())));
    // The first command leads both to the server of the key, also in a cluster. It is a write,
    // because WAIT covers the writes of its own connection, and the client may have reconnected,
    // even to a new primary, which lacks the key.
    const wait = () => this.#client.pipeline().pexpire(key, ttlMs).wait(1, waitMs).exec();
    const [kept, replicas] = await this.#observed(
      "wait",
      context,
      async () => results(await wait()),
    );
    if (kept === 0) return false;
    if (!(Number(replicas) >= 1)) {
      // The server processes the WAITs of one connection one after the other, each for its full
      // time.
      this.#client.disconnect(true);
      throw unavailable("no replica has the attempt in time");
    }
    return true;
  }

  /** Closes the connections. Commands in progress fail. */
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
      // Rejects, so that a command is not sent after its caller has left.
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => {
        this.#client.off("ready", onReady);
        reject(new Error(`not connected within ${Math.round(timeoutMs)} ms`));
      });
      this.#client.once("ready", onReady);
    });
  }
}

function open(address: StoreAddress, tls: Certificates): Redis | Cluster {
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
      // Otherwise it would resend commands that were in progress when a connection ended.
      retryDelayOnFailover: 0,
    });
  }
  const single = {
    ...options,
    db: address.database,
    // A command waits for the connection before it is sent, see #ready().
    enableOfflineQueue: false,
    retryStrategy: reconnectMs,
    // A former primary that is now a replica refuses before it changes anything.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
  } satisfies RedisOptions;
  if (kind === "server") return new Redis({ ...single, ...hosts[0] });
  return new Redis({
    ...single,
    sentinels: [...hosts],
    name: address.primary as string,
    // Closes the connection to a hanging primary once the sentinels have replaced it.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectMs,
    sentinelCommandTimeout: CONNECT_MAX_MS,
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(address.tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  });
}

/** @throws {Error} the first one among the replies of a pipeline */
function results(replies: Awaited<ReturnType<ChainableCommander["exec"]>>): readonly unknown[] {
  return (replies ?? []).map(([error, result]) => {
    if (error) throw error;
    return result;
  });
}

/** The reason is for the log: an error of the server contains the command with its arguments. */
function unavailable(reason: string): AppError {
  return new AppError("unavailable", "The cart store is unavailable", {
    cause: new Error(reason),
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** The address for logs, without a password. */
export function describeStore({ kind, hosts, primary }: StoreAddress): string {
  const named = hosts.map(formatHostPort).join(",");
  return primary === undefined ? `${kind} ${named}` : `${kind} ${named}, primary ${primary}`;
}
