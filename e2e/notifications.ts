import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { eventually } from "./eventually.ts";
import type { SharedShop } from "./own-stack.ts";

/** One line of the notifier. */
export interface Notification {
  readonly service: string;
  readonly order_id: number;
  readonly user_id: number;
  readonly status: string;
  readonly seq: number;
  readonly at: string;
  readonly trace_id: string;
  readonly reason?: string;
}

/** Every line that a service has written, as JSON; messages of a runtime are omitted. */
export function linesOf(shop: Pick<SharedShop, "logDirectory">, service: string): object[] {
  const text = readFileSync(join(shop.logDirectory, `${service}.log`), "utf8");
  return text.split("\n").filter((line) => line.startsWith("{")).flatMap(parseLine);
}

/** The last line may be incomplete. */
function parseLine(line: string): object[] {
  try {
    return [JSON.parse(line) as object];
  } catch {
    return [];
  }
}

/** The notifications of an order so far, as printed. */
export function notificationsOf(
  shop: Pick<SharedShop, "logDirectory">,
  orderId: number,
): Notification[] {
  return (linesOf(shop, "notifier") as Notification[]).filter((line) => line.order_id === orderId);
}

/** Waits until an order's notifications are exactly these statuses, in order, seq from 1. */
export function expectNotifications(
  shop: Pick<SharedShop, "logDirectory">,
  orderId: number,
  statuses: readonly string[],
): Promise<Notification[]> {
  return eventually(() => {
    const shown = notificationsOf(shop, orderId);
    expect(shown.map(({ seq, status }) => `${seq} ${status}`))
      .toEqual(statuses.map((status, index) => `${index + 1} ${status}`));
    return shown;
  });
}
