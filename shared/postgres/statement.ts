import type { RequestContext } from "../async/request-context.ts";
import type { ErrorCode } from "../errors.ts";

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

export interface ParameterValues {
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

export interface RunOptions {
  /** A shorter timeout than the context's. */
  readonly timeoutMs?: number;
  /** Called when a connection is free; returns whether the statement is still wanted. */
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
  /** `reportWrites`: whether returned rows mean that something was written; default true. */
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
