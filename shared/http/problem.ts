import { STATUS_CODES } from "node:http";
import { AppError, type ErrorCode, type FieldViolation } from "../errors.ts";
import { jsonInteger } from "../json.ts";
import { formatRetryAfter } from "../http-client/retry-after.ts";

/** The HTTP status of each error code. */
export const STATUS_BY_CODE = {
  invalid_argument: 400,
  unauthenticated: 401,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 412,
  resource_exhausted: 429,
  internal: 500,
  unavailable: 503,
  deadline_exceeded: 504,
} as const satisfies Record<ErrorCode, number>;

const CODE_BY_STATUS = new Map<number, ErrorCode>(
  Object.entries(STATUS_BY_CODE).map(([code, status]) => [status, code as ErrorCode]),
);

/** The error code of a status; undefined for a status that is not in the table. */
export function codeOfStatus(status: number): ErrorCode | undefined {
  return CODE_BY_STATUS.get(status);
}

/** An `invalid_argument` for which HTTP has a more exact status than 400. */
export class HttpError extends AppError {
  readonly status: 405 | 406 | 408 | 413 | 415 | 431;
  /** The methods of the path, for 405. */
  readonly allow: string | undefined;

  constructor(status: HttpError["status"], message: string, allow?: string) {
    super("invalid_argument", message);
    this.status = status;
    this.allow = allow;
  }
}

/** An error body, RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly trace_id: string;
  readonly errors?: readonly FieldViolation[];
  readonly order_id?: number;
  readonly skus?: readonly { sku: number; requested: number; available: number }[];
  readonly skus_total?: number;
  readonly total_price?: number;
  readonly items?: readonly { sku: number; price: number }[];
}

/** The error body for a caller, without the message of an `internal` error. */
export function problemOf(error: AppError, traceId: string): Problem {
  const status = error instanceof HttpError ? error.status : STATUS_BY_CODE[error.code];
  const { fields, shortage, prices } = error;
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: error.code === "internal" ? "internal error" : error.message,
    code: error.code,
    trace_id: traceId,
    ...fields && { errors: fields },
    ...shortage && {
      order_id: jsonInteger(shortage.orderId),
      skus: shortage.skus.map(({ sku, requested, available }) => ({ sku, requested, available })),
      skus_total: shortage.skusTotal,
    },
    ...prices && {
      total_price: jsonInteger(prices.totalPrice),
      items: prices.items.map(({ sku, price }) => ({ sku, price })),
    },
  };
}

export const PROBLEM_TYPE = "application/problem+json";

/**
 * The default headers of every answer. Answers are personal and must not be cached; browsers must
 * not interpret them as a page, a script or a frame.
 */
export const CONSTANT_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** The headers of the answer with {@link problemOf}. */
export function problemHeaders(error: AppError): Record<string, string> {
  const headers: Record<string, string> = { ...CONSTANT_HEADERS, "content-type": PROBLEM_TYPE };
  if (error instanceof HttpError && error.allow !== undefined) headers["allow"] = error.allow;
  if (error.retryAfterMs !== undefined) {
    headers["retry-after"] = formatRetryAfter(error.retryAfterMs);
  }
  if (error.code === "unauthenticated") headers["www-authenticate"] = "Bearer";
  return headers;
}
