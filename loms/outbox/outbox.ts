import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import type { ColumnType, RowOf, Statement } from "../../shared/postgres/statement.ts";

/** What the table of every outbox has of an event. */
export type EventRow = RowOf<{ readonly id: "int8?"; readonly traceparent: "text?" }>;

/**
 * `state` is 'taken' in a row with an event, else 'drained' or 'elsewhere'; `awaited` is whether
 * another relay waits.
 */
interface ReadColumns {
  readonly state: "text";
  readonly awaited: "bool";
  readonly id: "int8?";
  readonly traceparent: "text?";
}

/** An event's place among those of its key. */
export interface Place {
  readonly key: bigint;
  /** From 1 on; undefined when its successors need more than this row to be published. */
  readonly seq: number | undefined;
}

/** An outbox in the database, as relay, cleaner and metrics use it. */
export interface Outbox {
  /**
   * Of the relay's id, the length of its lease in ms, ids of events to leave out, and how many
   * events at most.
   */
  readonly read: Statement<
    readonly ["uuid", "int4", "int8[]", "int4", "text"],
    ReadColumns & Readonly<Record<string, ColumnType>>
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
  toMessage(row: EventRow): OutgoingMessage;
  /** The fields by which a log line names the event. */
  nameOf(row: EventRow): EventName;
  /** Of an outbox whose events are also published from memory. */
  placeOf?(row: EventRow): Place;
}

type EventName = Readonly<Record<string, bigint | number | string>>;

/** An event that the bus refused, and why. */
export type RefusedEvent = EventName & { readonly reason: string };
