import type { OrderStatus } from "../../proto/order-status.ts";
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
  /** Earlier events of the order that the bus refused for good: they never come. */
  readonly refusedSeqs: readonly number[];
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

/** Events of an order that should have come before one that was shown. */
export interface SkippedEvents {
  readonly orderId: bigint;
  /** Of the last event that was shown before; 0 when none was. */
  readonly lastSeq: number;
  readonly nextSeq: number;
  readonly count: number;
}

/** What was shown, durably. Throws AppError when the store cannot answer. */
export interface LastShown {
  /** The `seq` of the newest event of the order that was shown; 0 before the first. */
  lastSeq(orderId: bigint, context: RequestContext): Promise<number>;
  /**
   * Remembers it unless a newer one is. When it fails, the next {@link lastSeq} of the order on
   * this process makes up for it or fails, too.
   */
  remember(shown: Shown, context: RequestContext): Promise<void>;
  /**
   * Whether an order without a row began after this store did, so that its first event should be
   * known: the store has seen an earlier order begin.
   */
  knowsBeginningOf(orderId: bigint, context: RequestContext): Promise<boolean>;
  /** Notes an event that went to the dead letters. */
  noteDead(orderId: bigint, seq: number, context: RequestContext): Promise<void>;
  /** The `seq` of each event of the order that went to the dead letters. */
  deadSeqs(orderId: bigint, context: RequestContext): Promise<readonly number[]>;
  /** Forgets up to `max` orders whose final event was shown that long ago; tells how many. */
  forgetFinal(olderThanMs: number, max: number, context: RequestContext): Promise<number>;
}

export interface Sink {
  /** Resolves when the notification is out of this process. */
  show(notification: Notification, context: RequestContext): Promise<void>;
}

/** What the notifier's operations need from outside. */
export interface Deps {
  readonly lastShown: LastShown;
  readonly sink: Sink;
  /** Called once for each gap before an event, when the event has been shown. */
  readonly onSkipped: (skipped: SkippedEvents) => void;
}
