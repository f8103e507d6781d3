import type { EndReason, OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";

/** One status change of an order. */
export interface Notification {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly status: OrderStatus;
  /** 1, 2, 3 … per order, without gaps. */
  readonly seq: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly at: string;
  /** Why the order ended, when the event has a reason. */
  readonly reason?: EndReason | undefined;
  /** Earlier events of the order that the bus rejected permanently: they never arrive. */
  readonly refusedSeqs: readonly number[];
  /** The trace context of the event. */
  readonly traceparent: string;
}

/** An order's newest event that was shown. */
export interface Shown {
  readonly orderId: bigint;
  readonly seq: number;
  /** No event of the order follows. */
  readonly final: boolean;
  /** It is the order's first event, shown soon after it happened. */
  readonly isPromptFirst: boolean;
}

/** A gap before an event: earlier events of the order that never arrived. */
export interface SkippedEvents {
  readonly orderId: bigint;
  /** Of the last event that was shown before; 0 when none was. */
  readonly lastSeq: number;
  readonly nextSeq: number;
  readonly count: number;
}

/** The durable record of shown events. Throws AppError if the store is unavailable. */
export interface LastShown {
  /** The `seq` of the newest event that was shown, for each of the orders that has one. */
  lastSeqs(
    orderIds: ReadonlySet<bigint>,
    context: RequestContext,
  ): Promise<ReadonlyMap<bigint, number>>;
  /**
   * Stores the newest event of each order unless a newer one is stored. After a failure, the next
   * {@link lastSeqs} of the order in this process stores it first, or fails too.
   */
  remember(shown: readonly Shown[], context: RequestContext): Promise<void>;
  /**
   * Whether an unknown order must have begun after this store, because the store has the
   * first event of an earlier order: then the order's first event is missing.
   */
  coversBeginningOf(orderId: bigint, context: RequestContext): Promise<boolean>;
  /** Records an event that was dead-lettered. */
  noteDead(orderId: bigint, seq: number, context: RequestContext): Promise<void>;
  /** The `seq` of each event of the order that was dead-lettered. */
  deadSeqs(orderId: bigint, context: RequestContext): Promise<readonly number[]>;
  /** Deletes up to `max` orders whose final event was shown that long ago; returns their number. */
  forgetFinal(olderThanMs: number, max: number, context: RequestContext): Promise<number>;
}

export interface Sink {
  /** Resolves when all notifications have left this process, in their order. */
  show(notifications: readonly Notification[], context: RequestContext): Promise<void>;
}

/** The dependencies of the notifier's operations. */
export interface Deps {
  readonly lastShown: LastShown;
  readonly sink: Sink;
  /** Called once for each gap, after the event that follows it was shown. */
  readonly onSkipped: (skipped: SkippedEvents) => void;
}
