import { createRoute, z } from "@hono/zod-openapi";
import { orderCreateRequest, orderCreateResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

/** A thousand lines fit; every other request is a single number. */
const ORDER_MAX_BYTES = 1024 * 1024;

const idempotencyKey = z.string().optional().meta({
  description:
    "A repetition with the same key and user answers as the first did; kept for at least 24 h",
  minLength: 1,
  maxLength: 255,
});

const route = createRoute({
  operationId: "orderCreate",
  method: "post",
  path: "/v1/order/create",
  summary: "Create an order and reserve its items",
  request: {
    headers: z.object({ "idempotency-key": idempotencyKey }),
    body: { required: true, content: { "application/json": { schema: orderCreateRequest } } },
  },
  responses: {
    200: {
      description: "The order; all of its items are reserved",
      content: { "application/json": { schema: orderCreateResponse } },
    },
    ...problemResponses(400, 409, 412, 413, 415, 429, 500, 503, 504),
  },
});

export function orderCreateRoute(rpc: Rpc): MountedRoute {
  return gateway("orderCreate", route, rpc, ORDER_MAX_BYTES);
}
