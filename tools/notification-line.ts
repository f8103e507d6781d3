import { parseExact } from "../stack/exact-json.ts";

/** A notification as the notifier prints it; ids above 2^53 are bigints. */
export interface PrintedNotification {
  readonly order_id: number | bigint;
  readonly user_id: number | bigint;
  readonly seq: number;
  readonly status: string;
  readonly at: string;
}

/** The notification on a line of the notifier's log; undefined when the line is something else. */
export function readNotificationLine(line: string): PrintedNotification | undefined {
  if (!line.includes('"order_id"')) return undefined;
  try {
    const { order_id, user_id, seq, status, at } = parseExact(line) as PrintedNotification;
    return (seq as number | undefined) === undefined
      ? undefined
      : { order_id, user_id, seq, status, at };
  } catch {
    // Half written, or a runtime's own last words.
    return undefined;
  }
}
