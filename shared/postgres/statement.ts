import type { RequestContext } from "../async/request-context.ts";
import type { ErrorCode } from "../errors.ts";
import { DB_CLIENT_OPERATION_DURATION_SECONDS } from "../telemetry/database-metrics.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { childTraceparent, type Tracing } from "../telemetry/tracing.ts";

/** What a statement does, whatever verb its text begins with; the operation in the metrics. */
export type StatementKind = "select" | "insert" | "update" | "delete";

interface ScalarValues {
  int8: bigint;
  int4: number;
  float8: number;
  text: string;
  bool: boolean;
  jsonb: unknown;
  void: string;
}

/** A column's type; with "?", it may be null. */
export type ColumnType = keyof ScalarValues | `${keyof ScalarValues}?`;

type ColumnValue<Type extends ColumnType> = Type extends
  `${infer Scalar extends keyof ScalarValues}?` ? ScalarValues[Scalar] | null
  : Type extends keyof ScalarValues ? ScalarValues[Type]
  : never;

interface ParameterValues {
  int8: bigint | number;
  int4: number;
  text: string;
  uuid: string;
  bool: boolean;
  "int8[]": readonly (bigint | number | null)[];
  "int4[]": readonly number[];
  "text[]": readonly (string | null)[];
}
export type ParameterType = keyof ParameterValues;

/** An SQL statement with its types; a test checks them against the database. */
export interface Statement<
  Parameters extends readonly ParameterType[] = readonly ParameterType[],
  Columns extends Readonly<Record<string, ColumnType>> = Readonly<Record<string, ColumnType>>,
> {
  readonly name: string;
  readonly kind: StatementKind;
  readonly text: string;
  readonly parameters: Parameters;
  readonly columns: Columns;
}

/** A statement as the server describes it: types by their PostgreSQL names. */
export interface StatementShape {
  readonly parameters: readonly string[];
  readonly columns: Readonly<Record<string, string>>;
}

export type ParametersOf<Parameters extends readonly ParameterType[]> = {
  readonly [Index in keyof Parameters]: ParameterValues[Parameters[Index]];
};

export type RowOf<Columns extends Readonly<Record<string, ColumnType>>> = {
  readonly [Name in keyof Columns]: ColumnValue<Columns[Name]>;
};

export function defineStatement<
  const Parameters extends readonly ParameterType[],
  const Columns extends Readonly<Record<string, ColumnType>>,
>(statement: Statement<Parameters, Columns>): Statement<Parameters, Columns> {
  return statement;
}

/** In SQL: a `timestamptz` as RFC 3339 text in UTC, to the ms or µs. */
export function rfc3339(moment: string, fraction: "MS" | "US" = "MS"): string {
  return `to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.${fraction}"Z"')`;
}

/**
 * A parameter in PostgreSQL's text form. The driver takes the type of an array from its first
 * element, and fails where that is null or the array is empty.
 */
export function encodeParameter(value: ParameterValues[ParameterType]): string | boolean {
  // The driver encodes booleans, and would take the text "true" for false.
  if (typeof value === "boolean") return value;
  if (!Array.isArray(value)) return String(value);
  return `{${value.map(encodeElement).join(",")}}`;
}

function encodeElement(element: unknown): string {
  if (element === null) return "null";
  if (typeof element !== "string") return String(element);
  return `"${element.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The elements of an int8[] in PostgreSQL's text form. */
export function decodeInt8Array(text: string): bigint[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(BigInt);
}

const INT8_OID = 20;
const INT8_ARRAY_OID = 1016;

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

/** The driver's types for int8, which it would read as text. */
export const TYPES = { bigint: INT8, bigints: INT8_ARRAY };

export interface RunOptions {
  /** A shorter timeout than the context's. */
  readonly timeoutMs?: number;
  /** Called when a connection is free: whether the statement is still to be sent. */
  readonly isWanted?: () => boolean;
}

/** Runs statements: a `Pool`, or a wrapper of one. */
export interface StatementRunner {
  /** See `Pool.run`. */
  run<
    const Parameters extends readonly ParameterType[],
    const Columns extends Statement["columns"],
  >(
    statement: Statement<Parameters, Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
    options?: RunOptions,
  ): Promise<readonly RowOf<Columns>[]>;
}

/**
 * How a commit waits, as a value of PostgreSQL's `synchronous_commit`: until every synchronous
 * replica has applied it, or for the disk of the primary alone.
 */
export type Durability = "remote_apply" | "local";

/** Runs statements whose last parameter is a {@link Durability}, which the runner adds. */
export interface DurableRunner {
  /** `reportWrites`: whether the rows tell of a write; without it they do. */
  run<
    const Parameters extends readonly ParameterType[],
    const Columns extends Statement["columns"],
  >(
    statement: Statement<readonly [...Parameters, "text"], Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
    reportWrites?: (rows: readonly RowOf<Columns>[]) => boolean,
  ): Promise<readonly RowOf<Columns>[]>;
}

/** A runner of which every commit waits in the same way. */
export function durableRunner(pool: StatementRunner, durability: Durability): DurableRunner {
  return {
    run: (statement, parameters, context) =>
      pool.run(statement, withDurability(parameters, durability), context),
  };
}

export function withDurability<const Parameters extends readonly ParameterType[]>(
  parameters: ParametersOf<Parameters>,
  durability: Durability,
): ParametersOf<readonly [...Parameters, "text"]> {
  const given = parameters as readonly unknown[];
  return [...given, durability] as unknown as ParametersOf<readonly [...Parameters, "text"]>;
}

export type PoolRole = "primary" | "replica";

/** A statement that has ended. */
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
  /** With the wait for a connection. */
  readonly durationMs: number;
  readonly context: RequestContext;
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
