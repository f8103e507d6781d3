import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { type Clock, systemClock, within } from "../async/request-context.ts";
import { AppError, type ErrorCode, toAppError } from "../errors.ts";
import { DB_CLIENT_OPERATION_DURATION_SECONDS } from "../telemetry/database-metrics.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { childTraceparent, type Tracing } from "../telemetry/tracing.ts";
import { sqlStateOf, toDatabaseError } from "./database-error.ts";
import { openClient } from "./open-client.ts";
import type {
  ParameterType,
  ParameterValues,
  PoolRole,
  RowOf,
  Statement,
  StatementObservation,
  StatementRunner,
} from "./statement.ts";

const CONNECT_TIMEOUT_MS = 3_000;
/** An idle connection is closed: its server process takes about 10 MB. */
const IDLE_TIMEOUT_S = 60;
/** The driver's own backoff grows to 20 s, long after the database is back. */
const RECONNECT_S = 0.1;
/** By then callers have their answers; only commits that wait for a replica still run. */
const CLOSE_TIMEOUT_MS = 2_000;
/** Statements that wait for a connection; at 1 ms each, the last one waits for seconds. */
const WAITING_MAX = 5_000;
/** Retry-After if the queue is full: a statement takes milliseconds. */
const RETRY_AFTER_MS = 1_000;
/** So that no statement is queued on a connection behind one that takes long. */
const NO_PIPELINE = { max_pipeline: 0 };
/** SQLSTATE "warning": the notice of a commit that ended without the synchronous replica. */
const WARNING = "01000";

export interface PoolOptions {
  readonly url: string;
  readonly role: PoolRole;
  /** Connections, and so concurrent statements. */
  readonly max: number;
  /** The name that the server shows, unless the URL has another. */
  readonly applicationName: string;
  /** Whether this name overrides the URL's. */
  readonly keepsName?: boolean;
  /** Whether statements are prepared; a pooler in transaction mode may not support it. */
  readonly prepared?: boolean;
  /** Statements that may wait for a connection; further ones are refused. */
  readonly waitingMax?: number;
  readonly clock?: Clock;
  /** Called once for each statement, when it ends. */
  readonly observe?: (observation: StatementObservation) => void;
}

/**
 * Connections to one server. Each runs one statement at a time, and each statement is a
 * transaction, so that none continues outside its transaction after a lost connection. The driver
 * refuses `db.transaction()`.
 */
export class Pool {
  readonly role: PoolRole;
  readonly db: PostgresJsDatabase & { readonly $client: postgres.Sql<{ bigint: bigint }> };
  readonly #semaphore: Semaphore;
  readonly #clock: Clock;
  readonly #observe: PoolOptions["observe"];
  /** Commits of this pool that ended without the replica. */
  #unreplicated = 0;

  constructor(options: PoolOptions) {
    this.role = options.role;
    this.#clock = options.clock ?? systemClock;
    this.#observe = options.observe;
    this.#semaphore = new Semaphore(options.max, options.waitingMax ?? WAITING_MAX, this.#clock);
    const where = { connectTimeoutMs: CONNECT_TIMEOUT_MS, ...options };
    this.db = drizzle(openClient(where, {
      max: options.max,
      ...NO_PIPELINE,
      prepare: options.prepared ?? true,
      idle_timeout: IDLE_TIMEOUT_S,
      backoff: () => RECONNECT_S,
      // The driver would read int8 as text.
      types: { bigint: postgres.BigInt },
      onnotice: (notice) => {
        if (notice.code === WARNING) this.#unreplicated++;
      },
    }));
  }

  /**
   * Runs a prepared statement. Throws AppError: `deadline_exceeded` at the context's deadline and
   * `unavailable` when the connection was lost, both of which leave the outcome unknown;
   * `resource_exhausted` when too many statements wait. Other errors are the driver's.
   *
   * If `isWanted` returns false, the statement is not sent and fails as `unavailable`.
   */
  readonly run: StatementRunner["run"] = async (
    statement,
    parameters,
    context,
    { timeoutMs = Infinity, isWanted } = {},
  ) => {
    const { name, kind } = statement;
    const startedAt = this.#clock.now();
    const answerBy = startedAt + Math.min(context.remainingMs(), timeoutMs);
    let outcome: "ok" | ErrorCode = "ok";
    let sqlState: string | undefined;
    try {
      const encoded = parameters.map(encodeParameter);
      await this.#semaphore.acquire(answerBy - startedAt);
      if (isWanted?.() === false) {
        this.#semaphore.release();
        throw new AppError("unavailable", `${name} was not sent: its caller no longer waits`);
      }
      return await this.#answer(statement, encoded, answerBy);
    } catch (error) {
      const failure = toDatabaseError(error, name);
      outcome = toAppError(failure).code;
      sqlState = sqlStateOf(error);
      throw failure;
    } finally {
      const durationMs = this.#clock.now() - startedAt;
      const label = { role: this.role, namespace: this.db.$client.options.database, name, kind };
      this.#observe?.({ ...label, outcome, sqlState, startedAt, durationMs, context });
    }
  };

  /** Waits up to 2 s for the statements in progress. */
  async close(): Promise<void> {
    // The driver's end() never resolves for a connection that was lost during a statement.
    await this.#semaphore.idle(CLOSE_TIMEOUT_MS);
    await this.db.$client.end({ timeout: 0 });
  }

  /**
   * At the deadline the caller gets an error; the statement keeps its connection until the server
   * has answered. It is not cancelled: a cancel may hit the connection's next statement, and it
   * ends a commit's wait for the replica as if it had succeeded.
   */
  async #answer<Columns extends Statement["columns"]>(
    { name, kind, text }: Statement<readonly ParameterType[], Columns>,
    parameters: (string | boolean)[],
    answerBy: number,
  ): Promise<readonly RowOf<Columns>[]> {
    const unreplicatedBefore = this.#unreplicated;
    const answer = this.#send(text, parameters).finally(() => this.#semaphore.release());
    const rows = await within(this.#clock, answerBy - this.#clock.now(), answer, () => {
      throw new AppError("deadline_exceeded", `${name} was not answered in time`);
    });
    // The notice does not name the commit: every concurrent write is in doubt.
    if (kind !== "select" && this.#unreplicated !== unreplicatedBefore) {
      throw new AppError("unavailable", `${name} may not be on the replica`);
    }
    // A test checks the declared columns against the database.
    return dense(rows) as readonly RowOf<Columns>[];
  }

  async #send(text: string, parameters: (string | boolean)[]): Promise<readonly unknown[]> {
    // The driver would send a statement without parameters unprepared.
    const options = { prepare: true, simple: false };
    const attempt = () => this.db.$client.unsafe(text, parameters, options);
    try {
      return await attempt();
    } catch (error) {
      if (!isLeftOver(error, parameters)) throw error;
      return await attempt();
    }
  }
}

/**
 * The driver (3.4.9, issues 1119 and 1181) keeps its row count when a statement fails: the next
 * result on that connection begins with that many holes.
 */
function dense(rows: readonly unknown[]): readonly unknown[] {
  return rows.length === 0 || 0 in rows ? rows : rows.filter(() => true);
}

/**
 * The driver (3.4.9, issue 1223) fails the first statement on a new connection with the error that
 * ended the old one, and does not send it. An error's `args` are the parameters of its statement.
 */
function isLeftOver(error: unknown, parameters: unknown): boolean {
  const about = (error as { args?: unknown } | undefined)?.args;
  return about !== undefined && about !== parameters;
}

/**
 * A parameter in PostgreSQL's text form. The driver takes the type of an array from its first
 * element, and fails where that is null or the array is empty.
 */
export function encodeParameter(value: ParameterValues[ParameterType]): string | boolean {
  // The driver encodes booleans, and would read the text "true" as false.
  if (typeof value === "boolean") return value;
  if (!Array.isArray(value)) return String(value);
  return `{${value.map(encodeElement).join(",")}}`;
}

function encodeElement(element: unknown): string {
  if (element === null) return "null";
  if (typeof element !== "string") return String(element);
  return `"${element.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * Admits as many concurrent statements as there are connections; others wait in order of arrival.
 */
export class Semaphore {
  readonly #clock: Clock;
  readonly #waitingMax: number;
  readonly #total: number;
  #free: number;
  readonly #waiting = new Set<() => void>();
  #onIdle: (() => void) | undefined;

  constructor(total: number, waitingMax: number, clock: Clock) {
    this.#total = total;
    this.#free = total;
    this.#waitingMax = waitingMax;
    this.#clock = clock;
  }

  /**
   * Resolves when a connection is free. Throws AppError `deadline_exceeded` when none is in time,
   * and `resource_exhausted` when too many statements wait.
   */
  async acquire(timeoutMs: number): Promise<void> {
    if (timeoutMs <= 0) throw new AppError("deadline_exceeded", "the deadline has passed");
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    if (this.#waiting.size >= this.#waitingMax) {
      throw new AppError("resource_exhausted", `${this.#waitingMax} statements wait already`, {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await within(this.#clock, timeoutMs, promise, () => {
      this.#waiting.delete(resolve);
      throw new AppError("deadline_exceeded", "no database connection was free in time");
    });
  }

  release(): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      return next();
    }
    this.#free++;
    if (this.#free === this.#total) this.#onIdle?.();
  }

  /** Resolves when no statement is in progress, at the latest after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#free === this.#total) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    await within(this.#clock, timeoutMs, promise, () => {});
  }
}

const DB_SYSTEM = "postgresql";

/**
 * Measures each statement of a pool, which calls this as its `observe`, and records a span of it:
 * a child of the request's span, with links to the other requests that it serves.
 */
export function observedStatements(
  metrics: Metrics,
  tracing: Tracing,
): (observation: StatementObservation) => void {
  const durations = metrics.histogram(DB_CLIENT_OPERATION_DURATION_SECONDS);
  return (observation) => {
    const { role, namespace, name, kind, sqlState, startedAt, durationMs, context } = observation;
    const error = observation.outcome === "ok" ? undefined : observation.outcome;
    durations.observe({
      db_system_name: DB_SYSTEM,
      db_namespace: namespace,
      db_operation_name: kind,
      db_client_connection_pool_name: role,
      ...(sqlState && { db_response_status_code: sqlState }),
      ...(error && { error_type: error }),
    }, durationMs / 1000);
    const { traceparent: parent, alsoServes: links } = context;
    if (!tracing.isSampled(parent)) return;
    tracing.record({
      ...{ traceparent: childTraceparent(parent), parent, links, name, kind: "client" },
      ...{ startedAt, durationMs, error },
      attributes: {
        "db.system.name": DB_SYSTEM,
        "db.namespace": namespace,
        "db.operation.name": kind,
        "db.query.summary": name,
        "db.client.connection.pool.name": role,
        ...(sqlState && { "db.response.status_code": sqlState }),
      },
    });
  };
}
