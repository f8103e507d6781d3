import { STATUS_CODES } from "node:http";
import type { ErrorCode } from "../errors.ts";
import type { Problem } from "./problem.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

function example(
  status: number,
  code: ErrorCode,
  detail: string,
  facts: Partial<Problem> = {},
): Problem {
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, detail, code, trace_id: TRACE_ID, ...facts };
}

const COUNT_RULE = "must be an integer from 1 to 65535, got 0";

/** What a document shows of the error body with each status. */
export const PROBLEM_EXAMPLES = {
  400: example(400, "invalid_argument", `count ${COUNT_RULE}`, {
    errors: [{ path: "count", message: COUNT_RULE }],
  }),
  404: example(404, "not_found", "There is no order 9007199254740993"),
  406: example(
    406,
    "invalid_argument",
    "The answer is application/json, which Accept does not name",
  ),
  409: example(409, "already_exists", "The idempotency key belongs to an order of other items"),
  412: example(412, "failed_precondition", "Order 7 could not be reserved", {
    order_id: 7,
    skus: [{ sku: 773297411, requested: 500, available: 140 }],
    skus_total: 1,
  }),
  413: example(413, "invalid_argument", "The body is larger than 65536 bytes"),
  415: example(415, "invalid_argument", "The body must be application/json in UTF-8"),
  429: example(429, "resource_exhausted", "1000 statements wait already"),
  500: example(500, "internal", "internal error"),
  503: example(503, "unavailable", "loms did not answer in time"),
  504: example(504, "deadline_exceeded", "The deadline has passed"),
} as const;
