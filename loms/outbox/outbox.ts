import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import type { ColumnType, RowOf, Statement } from "../../shared/postgres/statement.ts";

/**
 * What every outbox has of an event; `state` is 'taken', 'drained' or 'elsewhere', and `awaited`
 * whether another relay waits.
 */
export interface TakenColumns {
  readonly state: "text";
  readonly awaited: "bool";
  readonly id: "int8?";
  readonly traceparent: "text?";
}

/** A row with an event, the state of which is 'taken'. */
export type TakenRow = RowOf<{ readonly [Name in keyof TakenColumns]: TakenColumns[Name] }>;

/** An outbox in the database, as relay, cleaner and metrics use it. */
export interface Outbox {
  /**
   * Of the relay's id, the length of its lease in ms, ids of events to leave out, and how many
   * events at most.
   */
  readonly read: Statement<
    readonly ["uuid", "int4", "int8[]", "int4", "text"],
    TakenColumns & Readonly<Record<string, ColumnType>>
  >;
  /** Of the relay's id, the ids of published events, and whether its lease ends. */
  readonly mark: Statement<readonly ["uuid", "int8[]", "bool"], { readonly done: "void" }>;
  /** Of the ids of events that the bus refused permanently, and its reasons. */
  readonly refuse: Statement<readonly ["int8[]", "text[]"], Readonly<Record<never, ColumnType>>>;
  /** Of how long published events stay, in ms, and how many are looked at. */
  readonly clean: Statement<readonly ["int8", "int4"], { readonly deleted: "int4" }>;
  readonly backlog: Statement<
    readonly [],
    { readonly events: "int8"; readonly oldest_age_seconds: "float8"; readonly refused: "int8" }
  >;
  // Method syntax, so that each outbox reads the rows of its own statement.
  toMessage(row: TakenRow): OutgoingMessage;
  /** The fields by which a log line names the event. */
  nameOf(row: TakenRow): EventName;
}

type EventName = Readonly<Record<string, bigint | number | string>>;

/** An event that the bus refused, and why. */
export type RefusedEvent = EventName & { readonly reason: string };
