import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** As for the outbox of order events. */
const WAITING_MAX_S = 20;

interface EventRow {
  readonly id: string;
  readonly sku: string;
  readonly kind: string;
}

/** No stock event is stuck, and none was published before an earlier one of its SKU. */
export async function checkStockOutbox(snapshot: Snapshot): Promise<Finding> {
  const name = ({ sku, id, kind }: EventRow) => `event ${id} (${kind}) of sku ${sku}`;
  const waiting = await snapshot<EventRow[]>`
    select id::text, sku::text, kind from stock_outbox
    where published_at is null and at < now() - ${WAITING_MAX_S} * interval '1 s'
    order by stock_outbox.id limit ${VIOLATIONS_MAX}`;
  const overtaken = await snapshot<EventRow[]>`
    select later.id::text, later.sku::text, later.kind
    from stock_outbox later
    where later.published_at is not null and exists (
      select from stock_outbox earlier
      where earlier.published_at is null and earlier.sku = later.sku and earlier.id < later.id
    )
    order by later.id limit ${VIOLATIONS_MAX}`;
  const [counted] = await snapshot<{ events: number }[]>`
    select count(*)::float8 as events from stock_outbox`;
  return {
    invariant: "stock outbox",
    checked: counted?.events ?? 0,
    of: "events in the outbox",
    violations: [
      ...waiting.map((row) => `${name(row)} waits for the bus for more than ${WAITING_MAX_S} s`),
      ...overtaken.map((row) => `${name(row)} has overtaken an earlier one`),
    ],
  };
}
