import { parseExact } from "../stack/exact-json.ts";

/** A notification as the notifier prints it; ids above 2^53 are bigints. */
export interface PrintedNotification {
  readonly order_id: number | bigint;
  readonly user_id: number | bigint;
  readonly seq: number;
  readonly status: string;
  readonly at: string;
  /** Why the order ended, when the notification has a reason. */
  readonly reason?: string;
}

/** The notification on a line of the notifier's log; undefined when the line is something else. */
export function readNotificationLine(line: string): PrintedNotification | undefined {
  if (!line.includes('"order_id"')) return undefined;
  try {
    const read = parseExact(line) as PrintedNotification;
    const { order_id, user_id, seq, status, at, reason } = read;
    if ((seq as number | undefined) === undefined) return undefined;
    return { order_id, user_id, seq, status, at, ...(reason !== undefined && { reason }) };
  } catch {
    // Half written, or a runtime's own last words.
    return undefined;
  }
}
