import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import {
  type ColumnType,
  defineStatement,
  type RowOf,
  type Statement,
} from "../../shared/postgres/statement.ts";

/** The columns that every outbox has. */
export type EventRow = RowOf<{ readonly id: "int8?"; readonly traceparent: "text?" }>;

/**
 * `state` is 'taken' in a row with an event, otherwise 'drained' or 'elsewhere'; `awaited` is
 * whether another relay waits.
 */
interface ReadColumns {
  readonly state: "text";
  readonly awaited: "bool";
  readonly id: "int8?";
  readonly traceparent: "text?";
}

/** The position of an event among those of its key. */
export interface Place {
  readonly key: bigint;
  /** From 1; undefined if its successors need more than this row to be published. */
  readonly seq: number | undefined;
}

/** An outbox in the database, as relay, cleaner and metrics use it. */
export interface Outbox extends ReturnType<typeof statementsOf> {
  /**
   * Parameters: the relay's id, the length of its lease in ms, ids of events to omit, and the
   * maximum number of events.
   */
  readonly read: Statement<
    readonly ["uuid", "int4", "int8[]", "int4", "text"],
    ReadColumns & Readonly<Record<string, ColumnType>>
  >;
  // Method syntax, so that each outbox accepts the rows of its own statement.
  toMessage(row: EventRow): OutgoingMessage;
  /** The fields that identify the event in a log line. */
  nameOf(row: EventRow): EventName;
  /** Set for an outbox that also publishes events from memory. */
  placeOf?(row: EventRow): Place;
}

type EventName = Readonly<Record<string, bigint | number | string>>;

/** An event that the bus refused, and its reason. */
export type RefusedEvent = EventName & { readonly reason: string };

/**
 * The statements that are the same for every kind of event. No caller waits for the replica: marks
 * and deletions commit on the primary alone.
 * @param key the columns that name an event among the refused ones
 */
export function statementsOf(table: "outbox" | "stock_outbox", key: string) {
  return {
    /**
     * Parameters: the ids of permanently refused events, and the bus's reasons. An event that is
     * already recorded does not change.
     */
    refuse: defineStatement({
      name: `${table}_refuse`,
      kind: "insert",
      text: `with durability as materialized (
          select set_config('synchronous_commit', 'local', true)
        )
        insert into ${table}_refused (${key}, reason, refused_at)
        select ${key}, refused.reason, clock_timestamp()
        from durability cross join unnest($1::int8[], $2::text[]) refused (event_id, reason)
        join ${table} event on event.id = refused.event_id
        order by ${key}
        on conflict do nothing`,
      parameters: ["int8[]", "text[]"],
      columns: {},
    }),
    /** Parameters: the relay's id, the ids of published events, and whether its lease ends. */
    mark: defineStatement({
      name: `${table}_mark`,
      kind: "update",
      text: `select loms_${table}_mark($1, $2, $3) as done`,
      parameters: ["uuid", "int8[]", "bool"],
      columns: { done: "void" },
    }),
    /** Parameters: how long published events are kept, in ms, and the number of events to check. */
    clean: defineStatement({
      name: `${table}_clean`,
      kind: "delete",
      text: `select loms_${table}_clean($1, $2) as deleted`,
      parameters: ["int8", "int4"],
      columns: { deleted: "int4" },
    }),
    backlog: defineStatement({
      name: `${table}_backlog`,
      kind: "select",
      text: `select count(*) as events,
          coalesce(
            greatest(extract(epoch from clock_timestamp() - min(at)), 0), 0
          )::float8 as oldest_age_seconds,
          (select count(*) from ${table}_refused) as refused
        from ${table}
        where published_at is null and id >= (select floor from ${table}_lease where only_row)`,
      parameters: [],
      columns: { events: "int8", oldest_age_seconds: "float8", refused: "int8" },
    }),
  };
}
