import { createRoute } from "@hono/zod-openapi";
import { orderInfoRequest, orderInfoResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { jsonContent } from "../../shared/http/json-content.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

const route = createRoute({
  operationId: "orderInfo",
  method: "post",
  path: "/v1/order/info",
  summary: "Tell an order's status and items",
  description:
    "An order that nobody pays for in time still awaits payment until loms cancels it, within " +
    "two seconds.",
  tags: ["orders"],
  request: {
    body: { required: true, content: jsonContent(orderInfoRequest, { orderID: 1 }) },
  },
  responses: {
    200: {
      description: "The order, its items ascending by sku",
      content: jsonContent(orderInfoResponse, {
        status: "awaiting payment",
        user: 1,
        items: [{ sku: 773_297_411, count: 2 }],
      }),
    },
    ...problemResponses(400, 404, 406, 413, 415, 429, 500, 503, 504),
  },
});

export function orderInfoRoute(rpc: Rpc): MountedRoute {
  return gateway("orderInfo", route, rpc);
}
