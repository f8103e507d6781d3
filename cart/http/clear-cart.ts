import { createRoute } from "@hono/zod-openapi";
import { problemResponses } from "../../shared/http/document-responses.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { clearCart } from "../domain/clear-cart.ts";
import type { Deps } from "../domain/deps.ts";
import { cartParams } from "./params.ts";

const clearCartRoute = createRoute({
  method: "delete",
  path: "/user/{user_id}/cart",
  operationId: "clearCart",
  summary: "Empty the cart",
  description: "Answers the same whether there was a cart or not.",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    204: { description: "The cart is empty" },
    ...problemResponses(400, 413, 500, 504),
  },
});

export function clearCartEndpoint(deps: Pick<Deps, "carts" | "attempts">): MountedRoute {
  return endpoint(clearCartRoute, async ({ params }) => {
    await clearCart(deps, { userId: params.user_id });
    return { status: 204 };
  });
}
