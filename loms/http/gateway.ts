import { type RouteConfig, z } from "@hono/zod-openapi";
import {
  IDEMPOTENCY_KEY,
  orderCancelRequest,
  orderCancelResponse,
  orderCreateRequest,
  orderCreateResponse,
  orderInfoRequest,
  orderInfoResponse,
  orderListRequest,
  orderListResponse,
  orderPayRequest,
  orderPayResponse,
  stocksInfoListRequest,
  stocksInfoListResponse,
  stocksInfoRequest,
  stocksInfoResponse,
} from "../../proto/loms/v1/schemas.ts";
import { answerJson, requireJsonAccepted } from "../../shared/http/app.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import type { DocumentInfo } from "../../shared/http/openapi.ts";
import { BODY_MAX_BYTES, readJson } from "../../shared/http/read-body.ts";
import type { MethodName, Rpc } from "../rpc/rpc.ts";
import { postRoute } from "./post-route.ts";

/** The OpenAPI document of loms, except its routes. */
export const DOCUMENT_INFO: DocumentInfo = {
  title: "Loms",
  version: "1.0.0",
  summary: "Orders and stock: the same methods as gRPC service loms.v1.Loms",
  description:
    `Integers are exact over the range of int64: clients must keep every digit of ids, also above
2^53. \`user\` and \`orderID\` may be decimal strings. Every error is a problem (RFC 9457). Its
\`code\` is machine-readable.`,
  defaultUrl: "http://127.0.0.1:8084",
  tags: [
    { name: "orders", description: "Orders, from reservation to payment" },
    { name: "stock", description: "Available stock" },
  ],
};

/** Fits an order of a thousand lines; every other request is a single number. */
const ORDER_MAX_BYTES = 1024 * 1024;

const idempotencyKey = z.string().min(1).max(255).regex(IDEMPOTENCY_KEY).optional().meta({
  description:
    "A request repeated with the same key and user gets the first response; kept for 24 h or more",
  param: { example: "0193c1f0-5f1c-7d3a-9a53-1c7f0e9b2a41" },
});

const LINE = { sku: 773_297_411, count: 2, price: 2_202 };
const ORDER = { orderID: 1 };

const ROUTES = {
  orderCreate: postRoute("orderCreate", "/v1/order/create", {
    summary: "Create an order and reserve its items",
    description: "Lines of one SKU are summed. Reserves all items or none: if stock is short, " +
      "answers 412 with the SKUs and the order, which exists as `failed`. After 503 or 504 the " +
      "outcome is unknown: a retry with the same key settles it. A line may have the `price` of " +
      "one unit, which the order stores. Lines of one SKU must have the same price.",
    tag: "orders",
    headers: z.object({ "Idempotency-Key": idempotencyKey }),
    request: [orderCreateRequest, { user: 1, items: [LINE] }],
    response: ["The order, with all items reserved", orderCreateResponse, ORDER],
    problems: [409, 412],
  }),
  orderInfo: postRoute("orderInfo", "/v1/order/info", {
    summary: "Return an order's status and items",
    description:
      "loms cancels an order within two seconds of its payment deadline; until then its status " +
      "is `awaiting payment`. Lines have their `price`, if it is known. The order has " +
      "`total_price` if all lines have a price.",
    tag: "orders",
    request: [orderInfoRequest, ORDER],
    response: ["The order, its items ascending by sku", orderInfoResponse, {
      ...{ status: "awaiting payment", user: 1, items: [LINE], total_price: 4_404 },
    }],
    problems: [404],
  }),
  orderList: postRoute("orderList", "/v1/order/list", {
    summary: "List the orders of a user, newest first",
    description:
      "No order is repeated, and no order is missed whose creation was answered before the first " +
      "page was requested. A page may have fewer orders than `page_size`, or none, and still be " +
      "followed by another: read until `next_page_token` is empty. A token is valid only for its " +
      "user and statuses; any other gets 400.",
    tag: "orders",
    request: [orderListRequest, { user: 1, statuses: ["awaiting payment"], page_size: 10 }],
    response: ["A page of orders, the items of each ascending by sku", orderListResponse, {
      orders: [{
        ...{ orderID: 1, status: "awaiting payment", created_at: "2026-01-02T03:04:05.678Z" },
        ...{ items: [LINE], total_price: 4_404 },
      }],
      next_page_token: "",
    }],
  }),
  orderPay: postRoute("orderPay", "/v1/order/pay", {
    summary: "Mark an order as payed",
    description:
      "Removes the reserved items from the stock. Succeeds without a change if the order is " +
      "payed. Answers 412 if it is cancelled, failed or past its payment deadline.",
    tag: "orders",
    request: [orderPayRequest, ORDER],
    response: ["The order is payed", orderPayResponse, {}],
    problems: [404, 412],
  }),
  orderCancel: postRoute("orderCancel", "/v1/order/cancel", {
    summary: "Cancel an order that awaits payment",
    description: "Releases the reserved items. Succeeds without a change if the order is " +
      "cancelled. Answers 412 if it is payed or failed.",
    tag: "orders",
    request: [orderCancelRequest, { orderID: 2 }],
    response: ["The order is cancelled", orderCancelResponse, {}],
    problems: [404, 412],
  }),
  stocksInfo: postRoute("stocksInfo", "/v1/stock/info", {
    summary: "Return the available stock of a SKU",
    description: "The total less the reserved units, at least 0.",
    tag: "stock",
    request: [stocksInfoRequest, { sku: 1_625_903 }],
    response: ["The available units", stocksInfoResponse, { count: 10_000 }],
    problems: [404],
  }),
  stocksInfoList: postRoute("stocksInfoList", "/v1/stock/info-list", {
    summary: "Return the available stock of several SKUs",
    description:
      "A consistent snapshot, ascending by sku. SKUs without a stock row are omitted; repeated " +
      "SKUs count once.",
    tag: "stock",
    request: [stocksInfoListRequest, { skus: [1_625_903, 773_297_411] }],
    response: ["The available units of each SKU", stocksInfoListResponse, {
      items: [{ sku: 1_625_903, count: 10_000 }, { sku: 773_297_411, count: 140 }],
    }],
  }),
} as const satisfies Record<MethodName, RouteConfig>;

/** The methods of loms as routes with JSON bodies; they use the same chain as gRPC. */
export function gatewayRoutes(rpc: Rpc): MountedRoute[] {
  return (Object.keys(ROUTES) as MethodName[]).map((name) => {
    const document = ROUTES[name];
    const handle = rpc(name, "http");
    const bodyMaxBytes = name === "orderCreate" ? ORDER_MAX_BYTES : BODY_MAX_BYTES;
    return {
      method: document.method,
      path: document.path,
      document,
      async run(c) {
        const response = await handle({
          context: c.get("exchange").context,
          read: () => readJson(c, bodyMaxBytes),
          metadata(key) {
            const value = c.req.raw.headers.get(key);
            return value === null ? [] : [value];
          },
          checkAnswerable: () => requireJsonAccepted(c),
        });
        return answerJson(c, 200, response);
      },
    };
  });
}
