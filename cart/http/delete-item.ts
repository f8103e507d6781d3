import { createRoute } from "@hono/zod-openapi";
import { problemResponses } from "../../shared/http/document-responses.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { deleteItem } from "../domain/delete-item.ts";
import type { Deps } from "../domain/deps.ts";
import { lineParams } from "./params.ts";

const deleteItemRoute = createRoute({
  method: "delete",
  path: "/user/{user_id}/cart/{sku_id}",
  operationId: "deleteItem",
  summary: "Take a product out of the cart",
  description: "Takes out all of it. Answers the same whether it was there or not.",
  tags: ["cart"],
  request: { params: lineParams },
  responses: {
    204: { description: "It is not in the cart" },
    ...problemResponses(400, 413, 500, 504),
  },
});

export function deleteItemEndpoint(deps: Pick<Deps, "carts" | "attempts">): MountedRoute {
  return endpoint(deleteItemRoute, async ({ params }) => {
    await deleteItem(deps, { userId: params.user_id, sku: params.sku_id });
    return { status: 204 };
  });
}
