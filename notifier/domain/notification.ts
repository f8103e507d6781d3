/** What becomes of an order, as its buyer is told. */
export type OrderStatus = "new" | "awaiting payment" | "failed" | "payed" | "cancelled";

/** Whether no other status follows. */
const IS_FINAL = {
  "new": false,
  "awaiting payment": false,
  "failed": true,
  "payed": true,
  "cancelled": true,
} as const satisfies Record<OrderStatus, boolean>;

export function isFinal(status: OrderStatus): boolean {
  return IS_FINAL[status];
}

/** One status change of an order. */
export interface Notification {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly status: OrderStatus;
  /** 1, 2, 3 … per order, without gaps. */
  readonly seq: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly at: string;
  /** Earlier events of the order that the bus refused for good: they never come. */
  readonly refusedSeqs: readonly number[];
}
