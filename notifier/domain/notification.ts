import type { OrderStatus } from "../../proto/order-status.ts";

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
