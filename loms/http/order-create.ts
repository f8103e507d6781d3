import { createRoute, z } from "@hono/zod-openapi";
import {
  IDEMPOTENCY_KEY,
  orderCreateRequest,
  orderCreateResponse,
} from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { jsonContent } from "../../shared/http/json-content.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

/** A thousand lines fit; every other request is a single number. */
const ORDER_MAX_BYTES = 1024 * 1024;

const idempotencyKey = z.string().min(1).max(255).regex(IDEMPOTENCY_KEY).optional().meta({
  description:
    "A repetition with the same key and user answers as the first did; kept for at least 24 h",
  param: { example: "0193c1f0-5f1c-7d3a-9a53-1c7f0e9b2a41" },
});

const requestExample = { user: 1, items: [{ sku: 773_297_411, count: 2 }] };

const route = createRoute({
  operationId: "orderCreate",
  method: "post",
  path: "/v1/order/create",
  summary: "Create an order and reserve its items",
  description: "Lines of one SKU are summed. All of it is reserved or nothing: when a SKU is " +
    "short, 412 names it and the order, which exists as `failed`. After 503 or 504 the outcome " +
    "is unknown: another try with the same key settles it.",
  tags: ["orders"],
  request: {
    headers: z.object({ "Idempotency-Key": idempotencyKey }),
    body: { required: true, content: jsonContent(orderCreateRequest, requestExample) },
  },
  responses: {
    200: {
      description: "The order; all of its items are reserved",
      content: jsonContent(orderCreateResponse, { orderID: 1 }),
    },
    ...problemResponses(400, 406, 409, 412, 413, 415, 429, 500, 503, 504),
  },
});

export function orderCreateRoute(rpc: Rpc): MountedRoute {
  return gateway("orderCreate", route, rpc, ORDER_MAX_BYTES);
}
