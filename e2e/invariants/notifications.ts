import { sleep, systemClock } from "../../shared/async/request-context.ts";
import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import { type Shown, ShownLog } from "./shown-log.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * A killed notifier's events are repeated within seconds; the rest is for a very busy machine.
 */
const SHOWN_WITHIN_MS = 30_000;
const POLL_MS = 100;
const CHUNK_MAX = 10_000;

/** The events of an order that must be shown: the statuses of the published ones, by seq from 1. */
interface Definite {
  readonly userId: string;
  readonly statuses: readonly string[];
}

/**
 * Each published event was shown, in order per order, and no notifier process has shown an event
 * twice, unless its database `lostCommits`. If a process died between showing and storing, the next
 * one may show its last events again. Orders from before the start of the first log are omitted,
 * because a log may have been restarted.
 */
export async function checkNotifications(
  snapshot: Snapshot,
  logPaths: readonly string[],
  lostCommits = false,
): Promise<Finding> {
  const logs = logPaths.map((path) => new ShownLog(path));
  const shown = new Map<string, Shown[]>();
  readMore(logs, shown);
  const reported = await readPublished(snapshot, logs[0]?.beginsAt);
  await waitUntilShown(logs, shown, reported);

  const violations = [...reported].flatMap(([orderId, { userId, statuses }]) => {
    const lines = shown.get(orderId) ?? [];
    const repeated = lostCommits ? [] : repeatedByOne(orderId, lines);
    return [...wrong(orderId, userId, statuses, lines), ...repeated];
  });
  const repeats = [...shown.values()].reduce((sum, lines) => sum + repeatsOf(lines), 0);
  return {
    invariant: "notifications",
    checked: reported.size,
    of: "orders",
    violations: violations.slice(0, VIOLATIONS_MAX),
    ...repeats > 0 && { note: `${repeats} shown again after a process had died` },
  };
}

async function readPublished(
  snapshot: Snapshot,
  since = "infinity",
): Promise<Map<string, Definite>> {
  const reported = new Map<string, Definite>();
  const orders = snapshot<{ order: string; user: string; statuses: string }[]>`
    select event.order_id::text as order, stored.user_id::text as user,
      string_agg(event.status, ',' order by event.seq) as statuses
    from order_events event
    join orders stored using (order_id)
    where stored.created_at >= ${since}::text::timestamptz and not exists (
      select from outbox row
      where row.order_id = event.order_id and row.published_at is null and row.seq <= event.seq
    )
    group by event.order_id, stored.user_id`;
  for await (const chunk of orders.cursor(CHUNK_MAX)) {
    for (const { order, user, statuses } of chunk) {
      reported.set(order, { userId: user, statuses: statuses.split(",") });
    }
  }
  return reported;
}

function readMore(logs: readonly ShownLog[], shown: Map<string, Shown[]>): void {
  for (const log of logs) {
    for (const line of log.read()) {
      const lines = shown.get(line.orderId);
      if (lines) lines.push(line);
      else shown.set(line.orderId, [line]);
    }
  }
}

async function waitUntilShown(
  logs: readonly ShownLog[],
  shown: Map<string, Shown[]>,
  reported: ReadonlyMap<string, Definite>,
): Promise<void> {
  const deadline = performance.now() + SHOWN_WITHIN_MS;
  const waiting = new Map(reported);
  for (;;) {
    for (const [orderId, { statuses }] of waiting) {
      if (seqsOf(shown.get(orderId)).size >= statuses.length) waiting.delete(orderId);
    }
    if (waiting.size === 0 || performance.now() > deadline) return;
    await sleep(systemClock, POLL_MS);
    readMore(logs, shown);
  }
}

/** Compares the shown events, without repeats, with those that must be shown. */
function wrong(
  orderId: string,
  userId: string,
  statuses: readonly string[],
  lines: readonly Shown[],
): string[] {
  const firsts = new Map<number, Shown>();
  for (const line of lines.toSorted(byTime)) if (!firsts.has(line.seq)) firsts.set(line.seq, line);
  const seen = [...firsts.values()].map(({ seq, status }) => `${seq} ${status}`);
  const due = statuses.map((status, index) => `${index + 1} ${status}`);
  const found: string[] = [];
  // There may be more since the snapshot.
  if (seen.slice(0, due.length).join() !== due.join()) {
    const shown = seen.length === 0 ? "nothing" : seen.join(", ");
    found.push(`of order ${orderId} was shown ${shown}, and published ${due.join(", ")}`);
  }
  const stranger = lines.find((line) => line.userId !== userId);
  if (stranger) {
    found.push(`order ${orderId} of user ${userId} was shown as user ${stranger.userId}'s`);
  }
  return found;
}

/** One process shows each order's events in ascending order. */
function repeatedByOne(orderId: string, lines: readonly Shown[]): string[] {
  const last = new Map<string, number>();
  const found: string[] = [];
  for (const { run, seq, status } of lines) {
    if (seq <= (last.get(run) ?? 0)) {
      found.push(`event ${seq} (${status}) of order ${orderId} was shown again by one process`);
    }
    last.set(run, seq);
  }
  return found;
}

function repeatsOf(lines: readonly Shown[]): number {
  return lines.length - seqsOf(lines).size;
}

function seqsOf(lines: readonly Shown[] = []): Set<number> {
  return new Set(lines.map(({ seq }) => seq));
}

function byTime(one: Shown, other: Shown): number {
  if (one.printedAt !== other.printedAt) return one.printedAt < other.printedAt ? -1 : 1;
  // Two processes in one millisecond; lines of one process are in the order of its log.
  return one.run === other.run ? 0 : one.seq - other.seq;
}
