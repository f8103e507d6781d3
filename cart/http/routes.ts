import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { int64Amount, int64Id, itemCount, skuNumber } from "../../proto/loms/v1/schemas.ts";
import { createHttpApp, endpoint, type HttpApp, mount } from "../../shared/http/app.ts";
import { jsonContent, problemResponses } from "../../shared/http/document-responses.ts";
import type { HttpAppOptions, MountedRoute } from "../../shared/http/exchange.ts";
import { type DocumentInfo, documentRoutes } from "../../shared/http/openapi.ts";
import { DOCUMENT_LINKS, OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import { addItem } from "../domain/add-item.ts";
import { checkout, type CheckoutDeps } from "../domain/checkout.ts";
import type { Deps } from "../domain/deps.ts";
import { listCart } from "../domain/list-cart.ts";
import { clearCart, deleteItem } from "../domain/remove-items.ts";

/** The OpenAPI document beside its routes. */
export const DOCUMENT_INFO: DocumentInfo = {
  title: "Cart",
  version: "1.0.0",
  summary: "Carts of the shop's users, and checkout",
  description:
    "Integers are exact over the range of int64: clients must keep every digit of ids and " +
    "prices,\nalso above 2^53. Every error is a problem (RFC 9457) with a machine-readable `code`.",
  defaultUrl: "http://127.0.0.1:8082",
  tags: [{ name: "cart", description: "The cart of a user" }],
};

/** All routes of cart: operations, probes, the OpenAPI document and pages. */
export function cartApp(
  deps: Deps & CheckoutDeps,
  probes: readonly MountedRoute[],
  options: HttpAppOptions,
): HttpApp {
  const app = createHttpApp(options);
  mount(app, [
    ...operations(deps),
    ...probes,
    ...documentRoutes(app, DOCUMENT_INFO, { title: "Loms", origins: options.origins ?? [] }),
    startPageRoute(DOCUMENT_INFO, [...DOCUMENT_LINKS, ...OPERATION_LINKS]),
  ]);
  return app;
}

const userId = int64Id.meta({ description: "The user of the cart", param: { example: 1 } });
const skuId = int64Id.meta({ description: "The product", param: { example: 773_297_411 } });

/** The path of a user's cart. */
const cartParams = z.object({ user_id: userId });

/** The path of a line. A SKU over uint32 is valid here, and a 412 later: no product has it. */
const lineParams = z.object({ user_id: userId, sku_id: skuId });

const addItemRequest = z.strictObject({ count: itemCount }).meta({ id: "AddItemRequest" });
const addItemResponse = z.strictObject({}).meta({ id: "AddItemResult" });

const addItemRoute = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/{sku_id}",
  operationId: "addItem",
  summary: "Add a product to the cart",
  description:
    "Adds `count` to the count in the cart. Answers 412 and does not change the cart if " +
    "the SKU is not a product, loms has no stock row for it, or the sum exceeds the available " +
    "stock or 65535.",
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

const deleteItemRoute = createRoute({
  method: "delete",
  path: "/user/{user_id}/cart/{sku_id}",
  operationId: "deleteItem",
  summary: "Remove a product from the cart",
  description: "Removes all units. Succeeds also if the product is not in the cart.",
  tags: ["cart"],
  request: { params: lineParams },
  responses: {
    204: { description: "The product is not in the cart" },
    ...problemResponses(400, 413, 500, 503, 504),
  },
});

const clearCartRoute = createRoute({
  method: "delete",
  path: "/user/{user_id}/cart",
  operationId: "clearCart",
  summary: "Empty the cart",
  description: "Succeeds also if the cart is empty.",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    204: { description: "The cart is empty" },
    ...problemResponses(400, 413, 500, 503, 504),
  },
});

const listedItem = z.strictObject({
  sku_id: skuNumber,
  name: z.string(),
  count: itemCount,
  price: int64Amount.meta({ description: "Current price of one unit" }),
}).meta({ id: "CartItem" });

const listedCart = z.strictObject({
  items: z.array(listedItem),
  total_price: int64Amount,
}).meta({ id: "Cart" });

const listedExample = {
  items: [{ sku_id: 773_297_411, name: "Кроссовки Nike JORDAN", count: 2, price: 2_202 }],
  total_price: 4_404,
};

const listCartRoute = createRoute({
  method: "get",
  path: "/user/{user_id}/cart/list",
  operationId: "listCart",
  summary: "List the cart with names and prices",
  description: "Items ascend by SKU. Answers 404 if the cart is empty.",
  tags: ["cart"],
  request: { params: cartParams },
  responses: {
    200: { description: "The cart", content: jsonContent(listedCart, listedExample) },
    ...problemResponses(400, 404, 406, 429, 500, 503, 504),
  },
});

/** `{}` has no agreed total: some clients send an object with every POST. */
const checkoutRequest = z.strictObject({
  total_price: int64Amount.optional()
    .meta({ description: "The total that the buyer agrees to pay" }),
}).meta({ id: "CheckoutRequest" });
const checkoutResponse = z.strictObject({ order_id: int64Id }).meta({ id: "CheckoutResult" });

const checkoutRoute = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/checkout",
  operationId: "checkout",
  summary: "Order the content of the cart",
  description:
    "Creates an order in loms and removes the ordered items from the cart. If loms cannot " +
    "reserve them, answers 412 with the failed order and the SKUs without enough stock, and does " +
    "not change the cart. After 503 or 504 the outcome is unknown: the next checkout settles it, " +
    "so nothing is ordered twice. Concurrent checkouts create one order and get one answer.\n\n" +
    "The order stores the current prices. `total_price` is the total that the buyer agrees to. " +
    "If the cart costs something else, answers 412 with `total_price` and the prices in `items`; " +
    "if prices are unavailable, 503. Nothing is ordered then. Without a body, unavailable prices " +
    "do not prevent the order. A checkout that settles an earlier one ignores its body.",
  tags: ["cart"],
  request: {
    params: cartParams,
    body: { required: false, content: jsonContent(checkoutRequest, { total_price: 4_404 }) },
  },
  responses: {
    200: {
      description: "The order was created and its items were removed from the cart",
      content: jsonContent(checkoutResponse, { order_id: 2 }),
    },
    ...problemResponses(400, 404, 406, 412, 413, 415, 429, 500, 503, 504),
  },
});

function operations(deps: Deps & CheckoutDeps): MountedRoute[] {
  return [
    endpoint(addItemRoute, async ({ params, body }, context) => {
      const input = { userId: params.user_id, sku: params.sku_id, count: body.count };
      await addItem(deps, input, context);
      return { status: 200, body: {} };
    }),

    endpoint(deleteItemRoute, async ({ params }, context) => {
      await deleteItem(deps, { userId: params.user_id, sku: params.sku_id }, context);
      return { status: 204 };
    }),

    endpoint(clearCartRoute, async ({ params }, context) => {
      await clearCart(deps, { userId: params.user_id }, context);
      return { status: 204 };
    }),

    endpoint(listCartRoute, async ({ params }, context) => {
      const { items, totalPrice } = await listCart(deps, { userId: params.user_id }, context);
      const listed = items.map(({ sku: sku_id, name, count, price }) => (
        { sku_id, name, count, price }
      ));
      return { status: 200, body: { items: listed, total_price: totalPrice } };
    }),

    endpoint(checkoutRoute, async ({ params, body }, context) => {
      const input = { userId: params.user_id, agreedTotal: body?.total_price };
      return { status: 200, body: { order_id: await checkout(deps, input, context) } };
    }),
  ];
}
