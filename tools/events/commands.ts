import { NOTIFIER_GROUP, ORDER_EVENTS } from "../../proto/order-event.ts";
import {
  EVENTS_REPLAY,
  ORDER_HISTORY,
  REFUSED_EVENTS,
  REFUSED_REPLAY,
} from "../../loms/outbox/statements.ts";
import type { Bus } from "../../shared/bus/bus.ts";
import type { RowOf, StatementRunner } from "../../shared/postgres/statement.ts";
import { STATUS_WIDTH } from "../list-lines.ts";
import { statementContext } from "../loms-database.ts";

export interface EventsDeps {
  readonly pool: StatementRunner;
  readonly bus: Pick<Bus, "readDeadLetterQueue" | "replayDeadLetterQueue">;
}

type Database = Pick<EventsDeps, "pool">;

type HistoryRow = RowOf<typeof ORDER_HISTORY.columns>;

/** The history of an order, a line for each event; undefined if there is no such order. */
export async function showOrder({ pool }: Database, orderId: bigint) {
  const rows = await pool.run(ORDER_HISTORY, [orderId], statementContext());
  const [first] = rows;
  if (!first) return undefined;
  return [`order ${orderId} of user ${first.user_id}`, ...rows.map(historyLine)];
}

function historyLine(row: HistoryRow): string {
  const { seq, status, at, state, end_reason: endReason, reason, traceparent } = row;
  const [, trace = ""] = traceparent.split("-");
  const where = reason === null ? state : `${state}: ${reason}`;
  const what = endReason === null ? status : `${status}, ${endReason}`;
  return `  ${seq}  ${what.padEnd(STATUS_WIDTH)}  ${at}  trace ${trace}  ${where}`;
}

/** Up to `max` events that the bus refused permanently, a line each. */
export async function listRefused({ pool }: Database, max: number) {
  const rows = await pool.run(REFUSED_EVENTS, [max], statementContext());
  const lines = rows.map(({ order_id, seq, refused_at, reason }) =>
    `  order ${order_id}, ${seq}  ${refused_at}  ${reason}`
  );
  return [atMost(rows.length, max, "refused event"), ...lines];
}

/** Puts up to `max` refused events back into the outbox, from which the relay publishes them. */
export async function replayRefused({ pool }: Database, max: number) {
  const [row] = await pool.run(REFUSED_REPLAY, [max], statementContext());
  return [`put back ${counted(row?.events ?? 0, "refused event")}`];
}

/**
 * Puts up to `max` events since a time (RFC 3339), and those of the same time as the last, from the
 * history back into the outbox, from which the relay publishes them.
 */
export async function replayEvents({ pool }: Database, since: string, max: number) {
  const [row] = await pool.run(EVENTS_REPLAY, [since, max], statementContext());
  const lines = [
    `put back ${counted(row?.events ?? 0, "event")} of ${since} and later`,
    `${NOTIFIER_GROUP} drops those that are not newer than the last shown`,
  ];
  return row?.next ? [...lines, `there are more: replay --since ${row.next}`] : lines;
}

/** Up to `max` events of the dead-letter queue, a line each. */
export async function listDeadLetters({ bus }: Pick<EventsDeps, "bus">, max: number) {
  const letters = await bus.readDeadLetterQueue(ORDER_EVENTS, max);
  const lines = letters.map(({ key, position, reason, value }) =>
    `  order ${key}  ${position}  ${reason}\n    ${value}`
  );
  return [
    `${atMost(letters.length, max, "dead-lettered event")} of ${ORDER_EVENTS.deadLetterQueue}`,
    ...lines,
  ];
}

/** Publishes up to `max` events of the dead-letter queue again and removes them. */
export async function replayDeadLetterQueue({ bus }: Pick<EventsDeps, "bus">, max: number) {
  const events = await bus.replayDeadLetterQueue(ORDER_EVENTS, max);
  const left = await bus.readDeadLetterQueue(ORDER_EVENTS, 1);
  const lines = [
    `put back ${counted(events, "dead-lettered event")} of ${ORDER_EVENTS.deadLetterQueue}`,
  ];
  if (events > 0) {
    lines.push(`${NOTIFIER_GROUP} drops those that are not newer than the last shown`);
  }
  if (left.length > 0) lines.push("there are more: once again puts them back, too");
  return lines;
}

function atMost(count: number, max: number, what: string): string {
  return count === max ? `the first ${counted(count, what)}` : counted(count, what);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
