import { OUTBOX_RETENTION_MS } from "../../loms/outbox/clean.ts";
import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** `now()` is the start of the transaction, shortly before its snapshot. */
const RETAINED_MS = OUTBOX_RETENTION_MS - 1_000;
/**
 * The lease of a killed relay is 4 s, of an older release 10 s. An event that waits for more than
 * twice as long counts as stuck.
 */
const WAITING_MAX_S = 20;

interface EventRow {
  readonly order: string;
  readonly seq: string;
  readonly status: string;
}

/**
 * Every event is in the outbox until some time after it was published, in order per order. An event
 * from the future was written before the clock was set back, and is deleted when it is published.
 */
export async function checkOutbox(snapshot: Snapshot): Promise<Finding> {
  const name = ({ order, seq, status }: EventRow) => `event ${seq} (${status}) of order ${order}`;
  const missing = await snapshot<EventRow[]>`
    select order_id::text as order, seq::text, status from order_events event
    where at between now() - ${RETAINED_MS} * interval '1 ms' and now()
      and not exists (
        select from outbox row
        where row.order_id = event.order_id and row.seq = event.seq
          and row.status = event.status and row.at = event.at
      )
    order by order_id, event.seq limit ${VIOLATIONS_MAX}`;
  const strange = await snapshot<EventRow[]>`
    select order_id::text as order, seq::text, status from outbox row
    where not exists (
      select from order_events event
      join orders stored on stored.order_id = event.order_id and stored.user_id = row.user_id
      where event.order_id = row.order_id and event.seq = row.seq and event.status = row.status
    )
    order by id limit ${VIOLATIONS_MAX}`;
  const waiting = await snapshot<EventRow[]>`
    select order_id::text as order, seq::text, status from outbox
    where published_at is null and at < now() - ${WAITING_MAX_S} * interval '1 s'
    order by id limit ${VIOLATIONS_MAX}`;
  const overtaken = await snapshot<EventRow[]>`
    select later.order_id::text as order, later.seq::text, later.status
    from outbox later join outbox earlier on earlier.order_id = later.order_id
    where earlier.seq < later.seq
      and (
        earlier.id > later.id
        or (earlier.published_at is null and later.published_at is not null)
      )
    order by later.id limit ${VIOLATIONS_MAX}`;
  const [counted] = await snapshot<{ events: number }[]>`
    select count(*)::float8 as events from outbox`;
  return {
    invariant: "outbox",
    checked: counted?.events ?? 0,
    of: "events in the outbox",
    violations: [
      ...missing.map((row) => `${name(row)} is younger than what is cleaned and not there`),
      ...strange.map((row) => `${name(row)} is there and not in the order's history`),
      ...waiting.map((row) => `${name(row)} waits for the bus for more than ${WAITING_MAX_S} s`),
      ...overtaken.map((row) => `${name(row)} has overtaken an earlier one`),
    ],
  };
}
