import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { int64Id } from "../../proto/integers.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import { checkout } from "../domain/checkout.ts";
import type { Deps } from "../domain/deps.ts";
import { cartParams } from "./params.ts";

const checkoutRoute = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/checkout",
  operationId: "checkout",
  summary: "Order what is in the cart",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    200: {
      description: "The order was made and its items have left the cart",
      content: { "application/json": { schema: z.strictObject({ order_id: int64Id }) } },
    },
    ...problemResponses(400, 404, 412, 413, 503),
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
