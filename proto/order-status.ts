/** Every status of an order, and the statuses that may follow it. */
export const TRANSITIONS = {
  "new": ["awaiting payment", "failed"],
  "awaiting payment": ["payed", "cancelled"],
  "failed": [],
  "payed": [],
  "cancelled": [],
} as const satisfies Record<string, readonly string[]>;

export type OrderStatus = keyof typeof TRANSITIONS;

export const ORDER_STATUSES = Object.keys(TRANSITIONS) as readonly OrderStatus[];

/** Why an order ended without being payed. */
export const END_REASONS = ["buyer", "payment_timeout", "out_of_stock"] as const;
export type EndReason = typeof END_REASONS[number];

/** The statuses from which an order may become `target`. */
export function sourcesOf(target: OrderStatus): OrderStatus[] {
  return ORDER_STATUSES.filter((from) =>
    (TRANSITIONS[from] as readonly OrderStatus[]).includes(target)
  );
}

/** Whether the status is final. */
export function isFinal(status: OrderStatus): boolean {
  return TRANSITIONS[status].length === 0;
}
