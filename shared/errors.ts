import type { OrderShortage } from "../proto/loms/v1/order-shortage.ts";

/** The one vocabulary of failures. Each transport owns one table between a code and its status. */
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

/** One broken rule of a request. `path` is dotted, as in `items.0.count`; "" is the whole body. */
export interface FieldViolation {
  readonly path: string;
  readonly message: string;
}

/** What a cart costs at this moment. */
export interface CurrentPrices {
  readonly totalPrice: bigint;
  /** Of one unit of each SKU. */
  readonly items: readonly { readonly sku: number; readonly price: number }[];
}

export interface ErrorFacts {
  readonly cause?: unknown;
  readonly fields?: readonly FieldViolation[];
  readonly shortage?: OrderShortage;
  /** The order that has the idempotency key already. */
  readonly orderId?: bigint;
  /** When they are not what the caller agreed to. */
  readonly prices?: CurrentPrices;
  /** How long a caller should wait before it tries again, in ms. */
  readonly retryAfterMs?: number;
}

/**
 * A failure that callers may see. `message` states what failed and with which values.
 * Any other thrown value is a defect: its text stays inside the process and callers see `internal`.
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
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.code = code;
    this.fields = facts.fields;
    this.shortage = facts.shortage;
    this.orderId = facts.orderId;
    this.prices = facts.prices;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** The failure as callers may see it: an {@link AppError} as it is, anything else as `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "internal error", { cause: error });
}

/** Whether a write that failed this way may have happened all the same. */
export function isUnknownOutcome(code: ErrorCode): boolean {
  return code === "unavailable" || code === "deadline_exceeded" || code === "internal";
}
