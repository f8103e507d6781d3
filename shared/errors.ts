import type { OrderShortage } from "../proto/loms/v1/order-shortage.ts";

/** The codes of failures. Each transport has one table between codes and its statuses. */
export type ErrorCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "resource_exhausted"
  | "unauthenticated"
  | "unavailable"
  | "deadline_exceeded"
  | "internal";

/** One violation of a request. `path` is dotted, as in `items.0.count`; "" is the whole body. */
export interface FieldViolation {
  readonly path: string;
  readonly message: string;
}

/** The current price of what a caller orders. */
export interface CurrentPrices {
  readonly totalPrice: bigint;
  /** The price of one unit of each SKU. */
  readonly items: readonly { readonly sku: number; readonly price: number }[];
}

export interface ErrorFacts {
  readonly cause?: unknown;
  readonly fields?: readonly FieldViolation[];
  readonly shortage?: OrderShortage;
  /** The order that already has the idempotency key. */
  readonly orderId?: bigint;
  /** The current prices, if they are not the agreed ones. */
  readonly prices?: CurrentPrices;
  /** How long a caller should wait before a retry, in ms. */
  readonly retryAfterMs?: number;
}

/**
 * A failure that callers may see. `message` states what failed and with which values. Any other
 * thrown value is a defect: its text stays in the process, and callers see `internal`.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly fields: readonly FieldViolation[] | undefined;
  readonly shortage: OrderShortage | undefined;
  readonly orderId: bigint | undefined;
  readonly prices: CurrentPrices | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    const { stackTraceLimit } = Error;
    // An overloaded server makes thousands of them a second, and a stack takes 12 µs.
    if (code === "resource_exhausted") Error.stackTraceLimit = 0;
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.fields = facts.fields;
    this.shortage = facts.shortage;
    this.orderId = facts.orderId;
    this.prices = facts.prices;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** The failure for callers: an {@link AppError} unchanged, anything else as `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "internal error", { cause: error });
}

/**
 * Whether a write that failed in this way may have happened: the server failed, or was not reached.
 * All other codes are failures of the caller.
 */
export function isUnknownOutcome(code: ErrorCode): boolean {
  return code === "unavailable" || code === "deadline_exceeded" || code === "internal";
}
