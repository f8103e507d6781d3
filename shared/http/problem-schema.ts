import { z } from "@hono/zod-openapi";
import type { ErrorCode } from "../errors.ts";
import { PROBLEM_TYPE, STATUS_BY_CODE } from "./problem.ts";

const shortSku = z.object({
  sku: z.int().min(1),
  requested: z.int().min(1),
  available: z.int().min(0),
});

/** How documents describe an error body. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(STATUS_BY_CODE) as [ErrorCode, ...ErrorCode[]]),
  trace_id: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  order_id: z.int().meta({ format: "int64" }).optional(),
  skus: z.array(shortSku).optional(),
  skus_total: z.int().optional(),
}).meta({ id: "Problem" });

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: "The request breaks a rule; `errors` names each",
  404: "Not found",
  409: "The idempotency key belongs to another request",
  412: "The state of things does not allow it",
  413: "The body is too large",
  415: "The body is not application/json",
  429: "Too many requests",
  500: "A defect of the service",
  503: "A part that is needed cannot answer",
  504: "Not answered before the deadline",
};

/** The `responses` of a route that may answer problems with these statuses. */
export function problemResponses<Status extends number>(...statuses: readonly Status[]) {
  const response = (status: number) => ({
    description: DESCRIPTIONS[status] ?? "Error",
    content: { [PROBLEM_TYPE]: { schema: problemSchema } },
  });
  return Object.fromEntries(
    statuses.map((status) => [status, response(status)]),
  ) as Record<Status, ReturnType<typeof response>>;
}
