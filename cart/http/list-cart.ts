import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { itemCount, skuNumber } from "../../proto/integers.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import { listCart } from "../domain/list-cart.ts";
import type { Deps } from "../domain/deps.ts";
import { cartParams } from "./params.ts";

const listedItem = z.strictObject({
  sku_id: skuNumber,
  name: z.string(),
  count: itemCount,
  price: z.int().min(0).meta({ format: "int64" }),
}).meta({ id: "CartItem" });

const listedCart = z.strictObject({
  items: z.array(listedItem),
  total_price: z.bigint().meta({ type: "integer", format: "int64", minimum: 0 }),
}).meta({ id: "Cart" });

const listCartRoute = createRoute({
  method: "get",
  path: "/user/{user_id}/cart/list",
  operationId: "listCart",
  summary: "List the cart with names and prices",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    200: {
      description: "The cart, ascending by SKU",
      content: { "application/json": { schema: listedCart } },
    },
    ...problemResponses(400, 404, 503),
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
