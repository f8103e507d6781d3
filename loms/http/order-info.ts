import { createRoute } from "@hono/zod-openapi";
import { orderInfoRequest, orderInfoResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

const route = createRoute({
  operationId: "orderInfo",
  method: "post",
  path: "/v1/order/info",
  summary: "Tell an order's status and items",
  request: {
    body: { required: true, content: { "application/json": { schema: orderInfoRequest } } },
  },
  responses: {
    200: {
      description: "The order, its items ascending by sku",
      content: { "application/json": { schema: orderInfoResponse } },
    },
    ...problemResponses(400, 404, 413, 415, 429, 500, 503, 504),
  },
});

export function orderInfoRoute(rpc: Rpc): MountedRoute {
  return gateway("orderInfo", route, rpc);
}
