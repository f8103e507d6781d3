import type postgres from "postgres";
import { sleep, systemClock } from "../../shared/async/request-context.ts";

/** A killed relay's lease lasts seconds; a system that was stopped for long has a backlog. */
const SETTLED_WITHIN_MS = 30_000;
const POLL_MS = 50;
/** loms cancels an order within 2 s of its payment deadline. */
const CANCELLED_WITHIN_S = 2;

/**
 * Waits until the events that existed at the call are published and overdue orders are cancelled;
 * new ones may arrive meanwhile. After 30 s it returns, and the invariants report the rest.
 */
export async function waitUntilSettled(database: postgres.Sql): Promise<void> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  const [newest] = await database<{ order: string; stock: string }[]>`
    select (select coalesce(max(id), 0)::text from outbox) as order,
      (select coalesce(max(id), 0)::text from stock_outbox) as stock`;
  for (;;) {
    const [row] = await database<{ settled: boolean }[]>`
      select not exists (
        select from outbox where published_at is null and id <= ${newest?.order ?? "0"}::text::int8
      ) and not exists (
        select from stock_outbox
        where published_at is null and id <= ${newest?.stock ?? "0"}::text::int8
      ) and not exists (
        select from orders where status = 'awaiting payment'
          and payment_due_at < clock_timestamp() - ${CANCELLED_WITHIN_S} * interval '1 s'
      ) as settled`;
    if (row?.settled || performance.now() > deadline) return;
    await sleep(systemClock, POLL_MS);
  }
}
