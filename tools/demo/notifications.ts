import { readFileSync } from "node:fs";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { type PrintedNotification, readNotificationLine } from "../notification-line.ts";

/** Notifications follow within milliseconds; this is for a machine that is very busy. */
const WAIT_MAX_MS = 10_000;
const POLL_MS = 50;

/**
 * Waits until the notifier's log holds `count` notifications about the orders. It is read from the
 * log because that is where a notification goes: nothing else shows that it was really printed.
 * @returns all that are there by then, or within 10 s, in the order printed
 */
export async function readNotifications(
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
