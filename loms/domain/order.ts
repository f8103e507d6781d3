/** `new` becomes one of the next two within the transaction that makes the order. */
export type OrderStatus = "new" | "awaiting payment" | "failed" | "payed" | "cancelled";

/**
 * The one table of transitions: from each status, where an order may go. The database makes them,
 * in the statement that writes; a test holds what it lets through against this table.
 */
export const TRANSITIONS = {
  "new": ["awaiting payment", "failed"],
  "awaiting payment": ["payed", "cancelled"],
  "failed": [],
  "payed": [],
  "cancelled": [],
} as const satisfies Record<OrderStatus, readonly OrderStatus[]>;

export function mayBecome(from: OrderStatus, to: OrderStatus): boolean {
  return (TRANSITIONS[from] as readonly OrderStatus[]).includes(to);
}

/** One SKU of an order; an order has one line a SKU, ascending by SKU. */
export interface OrderItem {
  /** uint32 above 0. */
  readonly sku: number;
  /** uint16 above 0. */
  readonly count: number;
}

export interface Order {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly status: OrderStatus;
  readonly items: readonly OrderItem[];
}
