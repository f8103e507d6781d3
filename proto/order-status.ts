/**
 * Every status of an order, and the statuses that may follow it. A payment and a cancellation pass
 * the sources of their status to the database. Creation and expiry name theirs in SQL, since an
 * index holds the orders that await payment; `order-change.int.test.ts` compares them with this.
 */
const TRANSITIONS = {
  "new": ["awaiting payment", "failed"],
  "awaiting payment": ["payed", "cancelled"],
  "failed": [],
  "payed": [],
  "cancelled": [],
} as const satisfies Record<string, readonly string[]>;

export type OrderStatus = keyof typeof TRANSITIONS;

export const ORDER_STATUSES = Object.keys(TRANSITIONS) as readonly OrderStatus[];

/** Why an order ended without being payed, by its final status. */
export const REASONS_BY_STATUS = {
  cancelled: ["buyer", "payment_timeout"],
  failed: ["out_of_stock"],
} as const satisfies { readonly [Status in OrderStatus]?: readonly string[] };

export const END_REASONS = [...REASONS_BY_STATUS.cancelled, ...REASONS_BY_STATUS.failed] as const;
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
