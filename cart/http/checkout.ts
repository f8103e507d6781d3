import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { int64Id } from "../../proto/loms/v1/schemas.ts";
import { jsonContent, problemResponses } from "../../shared/http/document-responses.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { checkout } from "../domain/checkout.ts";
import type { Deps } from "../domain/deps.ts";
import { cartParams } from "./params.ts";

const checkoutResponse = z.strictObject({ order_id: int64Id }).meta({ id: "CheckoutResult" });

const checkoutRoute = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/checkout",
  operationId: "checkout",
  summary: "Order what is in the cart",
  description:
    "Creates an order at loms and takes out of the cart exactly what was ordered. When " +
    "loms cannot reserve it, 412 names the SKUs that are short and the failed order, and the cart " +
    "stays. After 503 or 504 the outcome is unknown: the next checkout settles it, so nothing is " +
    "ordered twice. Checkouts at once make one order and get one answer.",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    200: {
      description: "The order was made and its items have left the cart",
      content: jsonContent(checkoutResponse, { order_id: 2 }),
    },
    ...problemResponses(400, 404, 406, 412, 413, 429, 500, 503, 504),
  },
});

export function checkoutEndpoint(
  deps: Pick<Deps, "carts" | "orders" | "attempts" | "newIdempotencyKey">,
): MountedRoute {
  return endpoint(checkoutRoute, async ({ params }, context) => {
    const orderId = await checkout(deps, { userId: params.user_id }, context);
    return { status: 200, body: { order_id: orderId } };
  });
}
