import { readFileSync } from "node:fs";
import { sleep, systemClock } from "../shared/async/request-context.ts";
import { parseJson } from "../shared/json.ts";
import { LogTail } from "../stack/processes/log-tail.ts";

/** Notifications arrive within milliseconds, later on a busy machine. */
const WAIT_MAX_MS = 10_000;
const POLL_MS = 50;

/** A notification as the notifier prints it; ids above 2^53 are bigints. */
export interface PrintedNotification {
  readonly order_id: number | bigint;
  readonly user_id: number | bigint;
  readonly seq: number;
  readonly status: string;
  readonly at: string;
  /** Why the order ended, if the notification has a reason. */
  readonly reason?: string;
}

/** The notification on a line of the notifier's log; undefined for other lines. */
export function readNotificationLine(line: string): PrintedNotification | undefined {
  if (!line.includes('"order_id"')) return undefined;
  try {
    const read = parseJson(line) as PrintedNotification;
    const { order_id, user_id, seq, status, at, reason } = read;
    if ((seq as number | undefined) === undefined) return undefined;
    return { order_id, user_id, seq, status, at, ...(reason !== undefined && { reason }) };
  } catch {
    // A partial line, or a runtime's last output.
    return undefined;
  }
}

/** Reports each notification that the notifier logs until the tail is closed. */
export function followNotifications(
  logPath: string,
  report: (notification: PrintedNotification) => void,
): LogTail {
  const onLine = (line: string) => {
    const notification = readNotificationLine(line);
    if (notification) report(notification);
  };
  return new LogTail(logPath, onLine, "reader");
}

/**
 * Waits until the notifier's log has `count` notifications of the orders. It reads the log because
 * only the log shows that a notification was printed.
 * @returns the notifications found then, or after 10 s, in the order printed
 */
export async function waitForNotifications(
  logPath: string,
  orders: readonly number[],
  count: number,
): Promise<PrintedNotification[]> {
  const deadline = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const shown = readFileSync(logPath, "utf8").split("\n")
      .flatMap((line) => readNotificationLine(line) ?? [])
      .filter(({ order_id }) => orders.includes(Number(order_id)));
    if (shown.length >= count || performance.now() > deadline) return shown;
    await sleep(systemClock, POLL_MS);
  }
}
