import type { z } from "zod";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import {
  orderCancelRequest,
  orderCreateRequest,
  orderInfoRequest,
  orderListRequest,
  orderPayRequest,
  stocksInfoListRequest,
  stocksInfoRequest,
} from "../../proto/loms/v1/schemas.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps, ListedOrder, OrderItem } from "../domain/deps.ts";
import { orderCancel, orderPay } from "../domain/order-change.ts";
import { orderCreate, orderTotalPrice } from "../domain/order-create.ts";
import { orderInfo } from "../domain/order-info.ts";
import { stocksInfo, stocksInfoList } from "../domain/stocks-info.ts";
import { invalidArgument } from "../../shared/violations.ts";
import { orderPageToken, readOrderPageToken } from "./order-page-token.ts";

export type MethodName = keyof LomsDefinition["methods"];

/** The response message of a method; its fields are those of the JSON. */
export type ResponseOf<Name extends MethodName> = ReturnType<
  LomsDefinition["methods"][Name]["responseType"]["decode"]
>;

/** A call whose request is valid. */
export interface ValidCall {
  readonly context: RequestContext;
  readonly idempotencyKey: string | undefined;
}

/** A method of loms, the same for both transports. */
export interface RpcMethod<Request = unknown, Response = unknown> {
  /** Validates and normalizes a request. */
  readonly request: z.ZodType<Request>;
  /** Whether a caller may send an idempotency key; other methods ignore it. */
  readonly takesIdempotencyKey?: true;
  // Method syntax, so that a table can hold methods of any request.
  handle(request: Request, call: ValidCall): Promise<Response>;
}

export type RpcMethods = { readonly [Name in MethodName]: RpcMethod<unknown, ResponseOf<Name>> };

export function rpcMethods(deps: Deps): RpcMethods {
  return {
    orderCreate: defineMethod({
      request: orderCreateRequest,
      takesIdempotencyKey: true,
      async handle({ user, items }, { context, idempotencyKey }) {
        const input = { userId: user, items, idempotencyKey };
        return { orderID: await orderCreate(deps, input, context) };
      },
    }),

    orderInfo: defineMethod({
      request: orderInfoRequest,
      async handle({ orderID }, { context }) {
        const { status, userId, items, reason } = await orderInfo(deps, orderID, context);
        return {
          ...{ status, user: userId, items: [...items] },
          ...totalPriceOf(items),
          ...reason !== undefined && { reason },
        };
      },
    }),

    orderList: defineMethod({
      request: orderListRequest,
      async handle({ user, statuses, page_size, page_token }, { context }) {
        const filter = { user, statuses };
        const before = page_token === "" ? undefined : readOrderPageToken(page_token, filter);
        if (page_token !== "" && before === undefined) throw invalidArgument([WRONG_TOKEN]);
        const input = { userId: user, statuses, pageSize: page_size, before };
        const { orders, next } = await deps.orderPages.orderList(input, context);
        return {
          orders: orders.map(toListedOrder),
          next_page_token: next === undefined ? "" : orderPageToken(next, filter),
        };
      },
    }),

    orderPay: defineMethod({
      request: orderPayRequest,
      async handle({ orderID }, { context }) {
        await orderPay(deps, orderID, context);
        return {};
      },
    }),

    orderCancel: defineMethod({
      request: orderCancelRequest,
      async handle({ orderID }, { context }) {
        await orderCancel(deps, orderID, context);
        return {};
      },
    }),

    stocksInfo: defineMethod({
      request: stocksInfoRequest,
      async handle({ sku }, { context }) {
        return { count: await stocksInfo(deps, sku, context) };
      },
    }),

    stocksInfoList: defineMethod({
      request: stocksInfoListRequest,
      async handle({ skus }, { context }) {
        return { items: await stocksInfoList(deps, skus, context) };
      },
    }),
  };
}

const WRONG_TOKEN = {
  path: "page_token",
  message: "must be the next_page_token of a page with this user and these statuses",
};

function toListedOrder({ orderId, status, createdAt, items }: ListedOrder) {
  return {
    ...{ orderID: orderId, status, created_at: createdAt, items: [...items] },
    ...totalPriceOf(items),
  };
}

/** Nothing when a line has no price. */
function totalPriceOf(items: readonly OrderItem[]): { total_price?: bigint } {
  const total_price = orderTotalPrice(items);
  return total_price === undefined ? {} : { total_price };
}

/** Infers the type of the request from its schema. */
function defineMethod<Request, Response>(
  method: RpcMethod<Request, Response>,
): RpcMethod<Request, Response> {
  return method;
}
