import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import { type Clock, systemClock } from "../async/clock.ts";
import type { RequestContext } from "../async/request-context.ts";
import { within } from "../async/within.ts";
import { AppError, type ErrorCode, toAppError } from "../errors.ts";
import { sqlStateOf, toDatabaseError } from "./database-error.ts";
import { openClient } from "./open-client.ts";
import { Permits } from "./permits.ts";
import {
  type ColumnType,
  decodeInt8Array,
  encodeParameter,
  type ParametersOf,
  type ParameterType,
  type RowOf,
  type Statement,
  type StatementKind,
} from "./statement.ts";

const CONNECT_TIMEOUT_MS = 3_000;
/** A server's process for each connection takes about 10 MB; unused ones go. */
const IDLE_TIMEOUT_S = 60;
/** The driver's own backoff grows to 20 s, long after the database is back. */
const RECONNECT_S = 0.1;
/** Whoever asked has been answered by then; only a commit that waits for its replica still runs. */
const CLOSE_TIMEOUT_MS = 2_000;
/** Statements that wait for a connection; at 1 ms each the last one waits for seconds. */
const WAITING_MAX = 5_000;
/** No second statement on a connection behind one that may wait for long. */
const NO_PIPELINE = { max_pipeline: 0 };
const INT8_OID = 20;
const INT8_ARRAY_OID = 1016;
/** SQLSTATE "warning", as a commit says it that ended without the synchronous replica. */
const WARNING = "01000";

export type PoolRole = "primary" | "replica";

/** What is told of each statement once it is answered. */
export interface StatementObservation {
  readonly role: PoolRole;
  readonly name: string;
  readonly kind: StatementKind;
  /** The database's name. */
  readonly namespace: string;
  readonly outcome: "ok" | ErrorCode;
  /** The SQLSTATE with which the server refused the statement. */
  readonly sqlState: string | undefined;
  /** On the scale of the clock's `now()`, in ms. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly context: RequestContext;
}

export interface PoolOptions {
  readonly url: string;
  readonly role: PoolRole;
  /** Connections, and so statements at once. */
  readonly max: number;
  /** As the server shows it, unless the URL has another name. */
  readonly applicationName: string;
  /** Whether the URL may not have another name. */
  readonly keepsName?: boolean;
  /** Whether statements are prepared; a pooler in transaction mode may keep none. */
  readonly prepared?: boolean;
  /** Statements that may wait for a connection; those beyond are refused. */
  readonly waitingMax?: number;
  readonly clock?: Clock;
  readonly observe?: (observation: StatementObservation) => void;
}

export interface PerformOptions {
  /** Ends the wait earlier than the context does. */
  readonly timeoutMs?: number;
  /** See {@link Pool.run}. */
  readonly isWanted?: () => boolean;
}

export interface StatementLabel {
  readonly name: string;
  readonly kind: StatementKind;
}

/** A statement as the server understands it: types by their PostgreSQL names. */
export interface StatementShape {
  readonly parameters: readonly string[];
  readonly columns: Readonly<Record<string, string>>;
}

/** What runs statements: a {@link Pool}, or what stands before one. */
export type StatementRunner = Pick<Pool, "run">;

/**
 * Connections to one server. Each carries one statement at a time, and a statement is a transaction
 * of its own: nothing can go on outside its transaction after a lost connection. `db.transaction()`
 * is refused by the driver.
 */
export class Pool {
  readonly role: PoolRole;
  readonly db: PostgresJsDatabase;
  readonly #client: postgres.Sql<{ bigint: bigint; bigints: bigint[] }>;
  readonly #permits: Permits;
  readonly #clock: Clock;
  readonly #observe: (observation: StatementObservation) => void;
  /** Commits of this pool that ended without the replica. */
  #unreplicated = 0;

  constructor(options: PoolOptions) {
    this.role = options.role;
    this.#clock = options.clock ?? systemClock;
    this.#observe = options.observe ?? (() => {});
    this.#permits = new Permits(options.max, options.waitingMax ?? WAITING_MAX, this.#clock);
    const where = { connectTimeoutMs: CONNECT_TIMEOUT_MS, ...options };
    this.#client = openClient(where, {
      max: options.max,
      ...NO_PIPELINE,
      prepare: options.prepared ?? true,
      idle_timeout: IDLE_TIMEOUT_S,
      backoff: () => RECONNECT_S,
      types: TYPES,
      onnotice: (notice) => {
        if (notice.code === WARNING) this.#unreplicated++;
      },
    });
    this.db = drizzle(this.#client);
  }

  /**
   * Runs a prepared statement. Throws AppError: `deadline_exceeded` at the deadline of the context
   * and `unavailable` when the connection was lost, both of which leave open what became of it;
   * `resource_exhausted` when too many wait. Other failures are the driver's.
   *
   * `isWanted` is asked when a connection has come free: a statement that is not wanted any more
   * is not sent, and fails as `unavailable`.
   */
  run<
    const Parameters extends readonly ParameterType[],
    const Columns extends Readonly<Record<string, ColumnType>>,
  >(
    statement: Statement<Parameters, Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
    isWanted: () => boolean = () => true,
  ): Promise<readonly RowOf<Columns>[]> {
    const encoded = parameters.map(encodeParameter);
    // The test of the statements holds the declared columns against the database.
    const send = () => this.#send(statement.text, encoded) as Promise<readonly RowOf<Columns>[]>;
    return this.perform(statement, send, context, { isWanted });
  }

  /**
   * Runs a query of drizzle on this pool's `db` under the same rules as {@link run}.
   */
  async perform<Result>(
    label: StatementLabel,
    send: () => PromiseLike<Result>,
    context: RequestContext,
    { timeoutMs = Infinity, isWanted = () => true }: PerformOptions = {},
  ): Promise<Result> {
    const startedAt = this.#clock.now();
    const answerBy = startedAt + Math.min(context.remainingMs(), timeoutMs);
    const { name, kind } = label;
    let outcome: "ok" | ErrorCode = "ok";
    let sqlState: string | undefined;
    try {
      await this.#permits.take(answerBy - startedAt);
      if (!isWanted()) {
        this.#permits.give();
        throw new AppError("unavailable", `${name} was not sent: nobody waits for it any more`);
      }
      return await this.#answer(label, send, answerBy);
    } catch (error) {
      const told = toDatabaseError(error, name);
      outcome = toAppError(told).code;
      sqlState = sqlStateOf(error);
      throw told;
    } finally {
      const durationMs = this.#clock.now() - startedAt;
      const { role } = this;
      const { database: namespace } = this.#client.options;
      const ending = { outcome, sqlState, startedAt, durationMs };
      this.#observe({ role, namespace, name, kind, ...ending, context });
    }
  }

  /** What the server makes of a statement, without running it. */
  async describe(statement: Statement): Promise<StatementShape> {
    const parameters = statement.parameters.map(() => "");
    const described = await this.#client.unsafe(statement.text, parameters).describe();
    const names = await this.#client<{ oid: number; name: string }[]>`
      select oid, typname::text as name from pg_type`;
    const nameOf = new Map(names.map(({ oid, name }) => [oid, name]));
    const shown = (oid: number) => (nameOf.get(oid) ?? "").replace(/^_(.*)/, "$1[]");
    return {
      parameters: described.types.map(shown),
      columns: Object.fromEntries(described.columns.map(({ name, type }) => [name, shown(type)])),
    };
  }

  /** Waits a short time for the statements under way. */
  async close(): Promise<void> {
    // The driver's own waiting never ends for a connection that was lost in mid-statement.
    await this.#permits.idle(CLOSE_TIMEOUT_MS);
    await this.#client.end({ timeout: 0 });
  }

  async #send(text: string, parameters: (string | boolean)[]): Promise<unknown> {
    try {
      return await this.#client.unsafe(text, parameters, { prepare: true });
    } catch (error) {
      if (!isLeftOver(error, parameters)) throw error;
      return await this.#client.unsafe(text, parameters, { prepare: true });
    }
  }

  /**
   * Whoever waits is answered at the deadline; the statement keeps its connection until the server
   * is done with it. It is not cancelled: a cancel may hit the connection's next statement, and ends
   * a commit's wait for the replica as if it had succeeded.
   */
  async #answer<Result>(
    label: StatementLabel,
    send: () => PromiseLike<Result>,
    answerBy: number,
  ): Promise<Result> {
    const unreplicatedBefore = this.#unreplicated;
    // `send` may throw before it returns anything to wait for.
    const answer = Promise.resolve().then(send).finally(() => this.#permits.give());
    const result = await within(this.#clock, answerBy - this.#clock.now(), answer, () => {
      throw new AppError("deadline_exceeded", `${label.name} was not answered in time`);
    });
    // The notice does not say whose commit it was: every write of that time is in doubt.
    if (label.kind !== "select" && this.#unreplicated !== unreplicatedBefore) {
      throw new AppError("unavailable", `${label.name} may not be on the replica`);
    }
    return dense(result);
  }
}

/**
 * The driver (3.4.9, issues 1119 and 1181) goes on counting rows where a statement failed: the next
 * result on that connection begins with as many holes as rows had come before.
 */
function dense<Result>(result: Result): Result {
  if (!Array.isArray(result) || result.length === 0 || 0 in result) return result;
  return result.filter(() => true) as Result;
}

/**
 * The driver (3.4.9, as in issue 1223) tells the first statement on a new connection the error that
 * ended the old one, and does not send it. `args` of an error are the parameters of the statement that it is about.
 */
function isLeftOver(error: unknown, parameters: unknown): boolean {
  const about = (error as { args?: unknown } | undefined)?.args;
  return about !== undefined && about !== parameters;
}

const INT8 = {
  to: INT8_OID,
  from: [INT8_OID],
  serialize: String,
  parse: BigInt,
};

const INT8_ARRAY = {
  to: INT8_ARRAY_OID,
  from: [INT8_ARRAY_OID],
  serialize: (value: readonly bigint[] | string) =>
    typeof value === "string" ? value : String(encodeParameter(value)),
  parse: decodeInt8Array,
};

const TYPES = { bigint: INT8, bigints: INT8_ARRAY };
