import { STATUS_CODES } from "node:http";
import { z } from "@hono/zod-openapi";
import { INT64_MAX, UINT32_MAX } from "../../proto/loms/v1/limits.ts";
import type { ErrorCode } from "../errors.ts";
import { RETRY_AFTER_MAX_S } from "../http-client/retry-after.ts";
import { codeOfStatus, type Problem, PROBLEM_TYPE, STATUS_BY_CODE } from "./problem.ts";

// What OpenAPI documents contain about the bodies of responses.

const INT32_MAX = 2 ** 31 - 1;

/** The `content` of a JSON body; the example is valid with the test data. */
export function jsonContent<Schema extends z.ZodType>(schema: Schema, example: object) {
  return { "application/json": { schema, example } };
}

/** An integer in a document. Responses are not parsed, so its TypeScript type does not matter. */
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
}).meta({
  id: "ShortSku",
  description: "A SKU of which an order requested more than was available",
});

const currentPrice = z.object({
  sku: integer("int64", 1, UINT32_MAX),
  price: integer("int64", 0, UINT32_MAX),
}).meta({ id: "CurrentPrice", description: "The current price of one unit of a SKU" });

/** The schema of an error body. */
const problemSchema = z.object({
  type: z.string().meta({ format: "uri-reference" }),
  title: z.string(),
  status: integer("int32", 400, 599),
  detail: z.string().meta({ description: "What failed, and with which values" }),
  code: z.enum(Object.keys(STATUS_BY_CODE) as [ErrorCode, ...ErrorCode[]])
    .meta({ description: "Machine-readable; the same codes over gRPC" }),
  trace_id: z.string().regex(/^[0-9a-f]{32}$/)
    .meta({ description: "From the caller's `traceparent`, if it sent one" }),
  errors: z.array(fieldViolation).optional()
    .meta({ description: "Every violation of an invalid request" }),
  order_id: integer("int64", 1, INT64_MAX).optional()
    .meta({ description: "The failed order, if its items could not be reserved" }),
  skus: z.array(shortSku).optional()
    .meta({ description: "The SKUs without enough stock, at most 20" }),
  skus_total: integer("int32", 1, INT32_MAX).optional()
    .meta({ description: "The number of SKUs without enough stock" }),
  total_price: integer("int64", 0, INT64_MAX).optional()
    .meta({ description: "The current total of the cart, if it is not the agreed one" }),
  items: z.array(currentPrice).optional()
    .meta({ description: "The prices in `total_price`, ascending by sku" }),
}).meta({ id: "Problem", description: "An error body, RFC 9457" });

const COUNT_RULE = "must be an integer from 1 to 65535, got 0";

type Described = readonly [description: string, detail: string, facts?: Partial<Problem>];

/** What each status means, and an example of its problem. */
const PROBLEMS = {
  400: ["The request is invalid; `errors` lists each violation", `count ${COUNT_RULE}`, {
    errors: [{ path: "count", message: COUNT_RULE }],
  }],
  401: ["The bearer token is missing or wrong", "The bearer token is missing or wrong"],
  404: ["Not found", "There is no order 9007199254740993"],
  406: [
    "The caller does not accept application/json",
    "The Accept header excludes application/json",
  ],
  409: [
    "The idempotency key belongs to another request",
    "The idempotency key belongs to an order of other items",
  ],
  412: ["The current state does not allow the request", "Order 7 could not be reserved", {
    order_id: 7,
    skus: [{ sku: 773297411, requested: 500, available: 140 }],
    skus_total: 1,
  }],
  413: ["The body is too large", "The body is larger than 65536 bytes"],
  415: ["The body is not application/json", "The body must be application/json in UTF-8"],
  429: ["Too many requests", "1000 statements wait already"],
  500: ["A defect of the service", "internal error"],
  503: [
    "A dependency is unavailable. A write may have taken effect",
    "loms did not answer in time",
  ],
  504: [
    "The deadline has passed. A write may have taken effect",
    "The deadline has passed",
  ],
} as const satisfies Record<number, Described>;

export type ProblemStatus = keyof typeof PROBLEMS;

const RETRY_AFTER = {
  "Retry-After": {
    description: "Seconds to wait before a retry, if known",
    required: false,
    schema: { type: "integer", format: "int32", minimum: 1, maximum: RETRY_AFTER_MAX_S },
  },
} as const;

/** The `responses` of a route for the problems that it returns. */
export function problemResponses<Status extends ProblemStatus>(...statuses: readonly Status[]) {
  const response = (status: ProblemStatus) => {
    const [description, detail, facts]: Described = PROBLEMS[status];
    const example: Problem = {
      type: "about:blank",
      title: STATUS_CODES[status] ?? "Error",
      status,
      detail,
      code: codeOfStatus(status) ?? "invalid_argument",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      ...facts,
    };
    return {
      description,
      ...(status === 429 || status === 503) && { headers: RETRY_AFTER },
      content: { [PROBLEM_TYPE]: { schema: problemSchema, example } },
    };
  };
  return Object.fromEntries(
    statuses.map((status) => [status, response(status)]),
  ) as Record<Status, ReturnType<typeof response>>;
}
