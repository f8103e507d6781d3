import { createRoute, type RouteConfig, z } from "@hono/zod-openapi";
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
import { answerJson } from "../../shared/http/app.ts";
import { jsonContent, problemResponses } from "../../shared/http/document-responses.ts";
import { requireJsonAccepted } from "../../shared/http/endpoint.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import type { DocumentInfo } from "../../shared/http/openapi.ts";
import { BODY_MAX_BYTES, readJson } from "../../shared/http/read-body.ts";
import type { Rpc } from "../rpc/chain.ts";
import type { MethodName } from "../rpc/methods.ts";

/** The OpenAPI document of loms, except its routes. */
export const DOCUMENT_INFO: DocumentInfo = {
  title: "Loms",
  version: "1.0.0",
  summary: "Orders and stock: the same methods as gRPC service loms.v1.Loms",
  description:
    `Integers are exact over the whole range of int64: a client must keep every digit of ids, also
above 2^53; \`user\` and \`orderID\` are also taken as decimal strings. Every failure is a problem
(RFC 9457) whose \`code\` is the field to decide by.`,
  defaultUrl: "http://127.0.0.1:8084",
  tags: [
    { name: "orders", description: "From the reservation to the payment" },
    { name: "stock", description: "What can be bought" },
  ],
};

/** An order of a thousand lines fits; every other request is a single number. */
const ORDER_MAX_BYTES = 1024 * 1024;

const idempotencyKey = z.string().min(1).max(255).regex(IDEMPOTENCY_KEY).optional().meta({
  description:
    "A repetition with the same key and user returns the first response; kept for at least 24 h",
  param: { example: "0193c1f0-5f1c-7d3a-9a53-1c7f0e9b2a41" },
});

const ORDER_CREATE = createRoute({
  operationId: "orderCreate",
  method: "post",
  path: "/v1/order/create",
  summary: "Create an order and reserve its items",
  description: "Lines of one SKU are summed. All of it is reserved or nothing: when a SKU is " +
    "short, 412 names it and the order, which exists as `failed`. After 503 or 504 the outcome " +
    "is unknown: another try with the same key settles it. A line may carry the `price` of one " +
    "unit: the order keeps it, and lines of one SKU with different prices are refused.",
  tags: ["orders"],
  request: {
    headers: z.object({ "Idempotency-Key": idempotencyKey }),
    body: {
      required: true,
      content: jsonContent(orderCreateRequest, {
        user: 1,
        items: [{ sku: 773_297_411, count: 2, price: 2_202 }],
      }),
    },
  },
  responses: {
    200: {
      description: "The order; all of its items are reserved",
      content: jsonContent(orderCreateResponse, { orderID: 1 }),
    },
    ...problemResponses(400, 406, 409, 412, 413, 415, 429, 500, 503, 504),
  },
});

const ORDER_INFO = createRoute({
  operationId: "orderInfo",
  method: "post",
  path: "/v1/order/info",
  summary: "Return an order's status and items",
  description:
    "An order that is not payed in time still awaits payment until loms cancels it, within " +
    "two seconds. Lines have the `price` at which they were ordered, where it is known, and the " +
    "order its `total_price` when all of them have one.",
  tags: ["orders"],
  request: {
    body: { required: true, content: jsonContent(orderInfoRequest, { orderID: 1 }) },
  },
  responses: {
    200: {
      description: "The order, its items ascending by sku",
      content: jsonContent(orderInfoResponse, {
        status: "awaiting payment",
        user: 1,
        items: [{ sku: 773_297_411, count: 2, price: 2_202 }],
        total_price: 4_404,
      }),
    },
    ...problemResponses(400, 404, 406, 413, 415, 429, 500, 503, 504),
  },
});

const ORDER_LIST = createRoute({
  operationId: "orderList",
  method: "post",
  path: "/v1/order/list",
  summary: "List the orders of a user, newest first",
  description:
    "No order comes twice, and none is missed that had been answered before the first page was " +
    "requested, while orders arrive. A page may have fewer orders than `page_size`, also none, " +
    "and still be followed by another: read on until `next_page_token` is empty. A token " +
    "belongs to its user and statuses; any other is refused with 400.",
  tags: ["orders"],
  request: {
    body: {
      required: true,
      content: jsonContent(orderListRequest, {
        user: 1,
        statuses: ["awaiting payment"],
        page_size: 10,
      }),
    },
  },
  responses: {
    200: {
      description: "A page of orders, the items of each ascending by sku",
      content: jsonContent(orderListResponse, {
        orders: [{
          orderID: 1,
          status: "awaiting payment",
          created_at: "2026-01-02T03:04:05.678Z",
          items: [{ sku: 773_297_411, count: 2, price: 2_202 }],
          total_price: 4_404,
        }],
        next_page_token: "",
      }),
    },
    ...problemResponses(400, 406, 413, 415, 429, 500, 503, 504),
  },
});

const ORDER_PAY = createRoute({
  operationId: "orderPay",
  method: "post",
  path: "/v1/order/pay",
  summary: "Mark an order as payed",
  description:
    "The reserved items leave the stock. Paying again changes nothing and succeeds; an order " +
    "that is cancelled, failed or past its payment deadline is refused with 412.",
  tags: ["orders"],
  request: {
    body: { required: true, content: jsonContent(orderPayRequest, { orderID: 1 }) },
  },
  responses: {
    200: {
      description: "The order is payed",
      content: jsonContent(orderPayResponse, {}),
    },
    ...problemResponses(400, 404, 406, 412, 413, 415, 429, 500, 503, 504),
  },
});

const ORDER_CANCEL = createRoute({
  operationId: "orderCancel",
  method: "post",
  path: "/v1/order/cancel",
  summary: "Cancel an order that awaits payment",
  description: "The reserved items can be bought again. Cancelling again changes nothing and " +
    "succeeds; an order that is payed or failed is refused with 412.",
  tags: ["orders"],
  request: {
    body: { required: true, content: jsonContent(orderCancelRequest, { orderID: 2 }) },
  },
  responses: {
    200: {
      description: "The order is cancelled",
      content: jsonContent(orderCancelResponse, {}),
    },
    ...problemResponses(400, 404, 406, 412, 413, 415, 429, 500, 503, 504),
  },
});

const STOCKS_INFO = createRoute({
  operationId: "stocksInfo",
  method: "post",
  path: "/v1/stock/info",
  summary: "Return how many of a SKU can be bought",
  description: "The stock without what is reserved, never below 0.",
  tags: ["stock"],
  request: {
    body: { required: true, content: jsonContent(stocksInfoRequest, { sku: 1_625_903 }) },
  },
  responses: {
    200: {
      description: "How many can be bought",
      content: jsonContent(stocksInfoResponse, { count: 10_000 }),
    },
    ...problemResponses(400, 404, 406, 413, 415, 429, 500, 503, 504),
  },
});

const STOCKS_INFO_LIST = createRoute({
  operationId: "stocksInfoList",
  method: "post",
  path: "/v1/stock/info-list",
  summary: "Return how many of each of several SKUs can be bought",
  description:
    "From one moment, ascending by sku. A SKU without a stock row is left out; one that " +
    "is given several times counts once.",
  tags: ["stock"],
  request: {
    body: {
      required: true,
      content: jsonContent(stocksInfoListRequest, { skus: [1_625_903, 773_297_411] }),
    },
  },
  responses: {
    200: {
      description: "How many of each can be bought",
      content: jsonContent(stocksInfoListResponse, {
        items: [{ sku: 1_625_903, count: 10_000 }, { sku: 773_297_411, count: 140 }],
      }),
    },
    ...problemResponses(400, 406, 413, 415, 429, 500, 503, 504),
  },
});

/** The methods of loms as routes. */
export function gatewayRoutes(rpc: Rpc): MountedRoute[] {
  return [
    gatewayRoute("orderCreate", ORDER_CREATE, rpc, ORDER_MAX_BYTES),
    gatewayRoute("orderInfo", ORDER_INFO, rpc),
    gatewayRoute("orderList", ORDER_LIST, rpc),
    gatewayRoute("orderPay", ORDER_PAY, rpc),
    gatewayRoute("orderCancel", ORDER_CANCEL, rpc),
    gatewayRoute("stocksInfo", STOCKS_INFO, rpc),
    gatewayRoute("stocksInfoList", STOCKS_INFO_LIST, rpc),
  ];
}

/** A method as a route: JSON in, the same chain as over gRPC, JSON out. */
function gatewayRoute(
  name: MethodName,
  document: RouteConfig,
  rpc: Rpc,
  bodyMaxBytes = BODY_MAX_BYTES,
): MountedRoute {
  const handle = rpc(name, "http");
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
}
