import { createRoute } from "@hono/zod-openapi";
import { orderPayRequest, orderPayResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { jsonContent } from "../../shared/http/json-content.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

const route = createRoute({
  operationId: "orderPay",
  method: "post",
  path: "/v1/order/pay",
  summary: "Mark an order as payed",
  description:
    "What was reserved leaves the stock. Paying again changes nothing and succeeds; an order " +
    "that is cancelled, failed or past its payment deadline is refused with 412.",
  tags: ["orders"],
  request: {
    body: { required: true, content: jsonContent(orderPayRequest, { orderID: 1 }) },
  },
  responses: {
    200: {
      description: "The order is payed",
      content: jsonContent(orderPayResponse, {}),
    },
    ...problemResponses(400, 404, 406, 412, 413, 415, 429, 500, 503, 504),
  },
});

export function orderPayRoute(rpc: Rpc): MountedRoute {
  return gateway("orderPay", route, rpc);
}
