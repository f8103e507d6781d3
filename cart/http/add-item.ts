import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { itemCount } from "../../proto/integers.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import { addItem } from "../domain/add-item.ts";
import type { Deps } from "../domain/deps.ts";
import { lineParams } from "./params.ts";

const addItemRoute = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/{sku_id}",
  operationId: "addItem",
  summary: "Add a product to the cart",
  tags: ["cart"],
  request: {
    params: lineParams,
    body: {
      required: true,
      content: { "application/json": { schema: z.strictObject({ count: itemCount }) } },
    },
  },
  responses: {
    200: {
      description: "Added",
      content: { "application/json": { schema: z.strictObject({}) } },
    },
    ...problemResponses(400, 412, 413, 415, 503),
  },
});

export function addItemEndpoint(
  deps: Pick<Deps, "carts" | "products" | "stocks">,
): MountedRoute {
  return endpoint(addItemRoute, async ({ params, body }, context) => {
    const input = { userId: params.user_id, sku: params.sku_id, count: body.count };
    await addItem(deps, input, context);
    return { status: 200, body: {} };
  });
}
