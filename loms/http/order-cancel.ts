import { createRoute } from "@hono/zod-openapi";
import { orderCancelRequest, orderCancelResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { jsonContent } from "../../shared/http/json-content.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

const route = createRoute({
  operationId: "orderCancel",
  method: "post",
  path: "/v1/order/cancel",
  summary: "Cancel an order that awaits payment",
  description: "What was reserved can be bought again. Cancelling again changes nothing and " +
    "succeeds; an order that is payed or failed is refused with 412.",
  tags: ["orders"],
  request: {
    body: { required: true, content: jsonContent(orderCancelRequest, { orderID: 2 }) },
  },
  responses: {
    200: {
      description: "The order is cancelled",
      content: jsonContent(orderCancelResponse, {}),
    },
    ...problemResponses(400, 404, 406, 412, 413, 415, 429, 500, 503, 504),
  },
});

export function orderCancelRoute(rpc: Rpc): MountedRoute {
  return gateway("orderCancel", route, rpc);
}
