import type { RequestContext } from "../../shared/async/request-context.ts";
import type { StatementRunner } from "../../shared/postgres/pool.ts";
import { OUTBOX_BACKLOG } from "./statements.ts";

export interface OutboxBacklog {
  /** How many events wait to be published. */
  readonly events: number;
  /** Since the oldest of them happened, in seconds; 0 when none waits. */
  readonly oldestAgeSeconds: number;
  /** Events that the bus would not take, ever; they wait for people. */
  readonly refused: number;
}

/** Its price grows with the backlog: for a scrape, not for a request. */
export async function outboxBacklog(
  pool: StatementRunner,
  context: RequestContext,
): Promise<OutboxBacklog> {
  const [row] = await pool.run(OUTBOX_BACKLOG, [], context);
  return {
    events: Number(row?.events ?? 0),
    oldestAgeSeconds: row?.oldest_age_seconds ?? 0,
    refused: Number(row?.refused ?? 0),
  };
}
