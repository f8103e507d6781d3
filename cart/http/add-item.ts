import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { itemCount } from "../../proto/loms/v1/schemas.ts";
import { jsonContent, problemResponses } from "../../shared/http/document-responses.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { addItem } from "../domain/add-item.ts";
import type { Deps } from "../domain/deps.ts";
import { lineParams } from "./params.ts";

const addItemRequest = z.strictObject({ count: itemCount }).meta({ id: "AddItemRequest" });
const addItemResponse = z.strictObject({}).meta({ id: "AddItemResult" });

const addItemRoute = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/{sku_id}",
  operationId: "addItem",
  summary: "Add a product to the cart",
  description: "Counts of one SKU add up. Refused with 412, and the cart left as it is, when the " +
    "SKU is not a product, when loms has no stock of it, or when what is in the cart and what is " +
    "added exceed what can be bought or 65535.",
  tags: ["cart"],
  request: {
    params: lineParams,
    body: { required: true, content: jsonContent(addItemRequest, { count: 2 }) },
  },
  responses: {
    200: { description: "Added", content: jsonContent(addItemResponse, {}) },
    ...problemResponses(400, 406, 412, 413, 415, 429, 500, 503, 504),
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
