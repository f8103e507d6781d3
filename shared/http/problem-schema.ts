import { z } from "@hono/zod-openapi";
import { INT64_MAX, UINT32_MAX } from "../../proto/loms/v1/schemas.ts";
import type { ErrorCode } from "../errors.ts";
import { PROBLEM_TYPE, STATUS_BY_CODE } from "./problem.ts";
import { PROBLEM_EXAMPLES } from "./problem-examples.ts";
import { RETRY_AFTER_MAX_S } from "./retry-after.ts";

const INT32_MAX = 2 ** 31 - 1;

/** An integer as documents describe it; answers are not parsed, so the type says no more. */
function integer(format: "int32" | "int64", minimum: number, maximum: number | bigint) {
  return z.bigint().meta({ type: "integer", format, minimum, maximum });
}

const fieldViolation = z.object({
  path: z.string().meta({ description: "Dotted, as `items.0.count`; empty for the whole body" }),
  message: z.string(),
}).meta({ id: "FieldViolation", description: "One broken rule of a request" });

const shortSku = z.object({
  sku: integer("int64", 1, UINT32_MAX),
  requested: integer("int32", 1, INT32_MAX),
  available: integer("int64", 0, INT64_MAX),
}).meta({ id: "ShortSku", description: "A SKU that an order asked more of than could be bought" });

/** How documents describe an error body. */
export const problemSchema = z.object({
  type: z.string().meta({ format: "uri-reference" }),
  title: z.string(),
  status: integer("int32", 400, 599),
  detail: z.string().meta({ description: "What failed, and with which values" }),
  code: z.enum(Object.keys(STATUS_BY_CODE) as [ErrorCode, ...ErrorCode[]])
    .meta({ description: "The one to decide by; the same words over gRPC" }),
  trace_id: z.string().regex(/^[0-9a-f]{32}$/)
    .meta({ description: "That of the caller's `traceparent`, if it sent one" }),
  errors: z.array(fieldViolation).optional()
    .meta({ description: "Every broken rule, when the request was invalid" }),
  order_id: integer("int64", 1, INT64_MAX).optional()
    .meta({ description: "The failed order, when one could not be reserved" }),
  skus: z.array(shortSku).optional()
    .meta({ description: "What fell short of the order, at most 20 of them" }),
  skus_total: integer("int32", 1, INT32_MAX).optional()
    .meta({ description: "How many SKUs fell short" }),
}).meta({ id: "Problem", description: "An error body, RFC 9457" });

const DESCRIPTIONS = {
  400: "The request breaks a rule; `errors` names each",
  404: "Not found",
  406: "The caller does not accept application/json",
  409: "The idempotency key belongs to another request",
  412: "The state of things does not allow it",
  413: "The body is too large",
  415: "The body is not application/json",
  429: "Too many requests",
  500: "A defect of the service",
  503: "A part that is needed cannot answer. A write may have happened all the same",
  504: "Not answered before the deadline. A write may have happened all the same",
} as const;

export type ProblemStatus = keyof typeof DESCRIPTIONS;

/** Told only when it is known how long to wait. */
const RETRY_AFTER = {
  "Retry-After": {
    description: "Seconds to wait before another try, where they are known",
    required: false,
    schema: { type: "integer", format: "int32", minimum: 1, maximum: RETRY_AFTER_MAX_S },
  },
} as const;

/** The `responses` of a route that may answer problems with these statuses. */
export function problemResponses<Status extends ProblemStatus>(...statuses: readonly Status[]) {
  const response = (status: ProblemStatus) => ({
    description: DESCRIPTIONS[status],
    ...(status === 429 || status === 503) && { headers: RETRY_AFTER },
    content: {
      [PROBLEM_TYPE]: { schema: problemSchema, example: PROBLEM_EXAMPLES[status] },
    },
  });
  return Object.fromEntries(
    statuses.map((status) => [status, response(status)]),
  ) as Record<Status, ReturnType<typeof response>>;
}
