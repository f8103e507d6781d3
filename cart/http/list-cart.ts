import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { int64Amount, itemCount, skuNumber } from "../../proto/loms/v1/schemas.ts";
import { jsonContent, problemResponses } from "../../shared/http/document-responses.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { listCart } from "../domain/list-cart.ts";
import type { Deps } from "../domain/deps.ts";
import { cartParams } from "./params.ts";

const listedItem = z.strictObject({
  sku_id: skuNumber,
  name: z.string(),
  count: itemCount,
  price: int64Amount.meta({ description: "Of one, now, as the product service tells it" }),
}).meta({ id: "CartItem" });

const listedCart = z.strictObject({
  items: z.array(listedItem),
  total_price: int64Amount,
}).meta({ id: "Cart" });

const example = {
  items: [{ sku_id: 773_297_411, name: "Кроссовки Nike JORDAN", count: 2, price: 2_202 }],
  total_price: 4_404,
};

const listCartRoute = createRoute({
  method: "get",
  path: "/user/{user_id}/cart/list",
  operationId: "listCart",
  summary: "List the cart with names and prices",
  description: "Items ascend by SKU. An empty cart is not found.",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    200: { description: "The cart", content: jsonContent(listedCart, example) },
    ...problemResponses(400, 404, 406, 429, 500, 503, 504),
  },
});

export function listCartEndpoint(deps: Pick<Deps, "carts" | "products">): MountedRoute {
  return endpoint(listCartRoute, async ({ params }, context) => {
    const { items, totalPrice } = await listCart(deps, { userId: params.user_id }, context);
    return {
      status: 200,
      body: {
        items: items.map(({ sku, name, count, price }) => ({ sku_id: sku, name, count, price })),
        total_price: totalPrice,
      },
    };
  });
}
