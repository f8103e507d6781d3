import type { z } from "zod";
import { orderInfoRequest } from "../../proto/loms/v1/schemas.ts";
import type { Deps } from "../domain/deps.ts";
import { orderInfo } from "../domain/order-info.ts";
import type { ResponseOf, RpcMethod } from "./method.ts";

type Method = RpcMethod<z.output<typeof orderInfoRequest>, ResponseOf<"orderInfo">>;

export function orderInfoMethod(deps: Deps): Method {
  return {
    request: orderInfoRequest,
    async handle({ orderID }, { context }) {
      const { status, userId, items } = await orderInfo(deps, orderID, context);
      return { status, user: userId, items: [...items] };
    },
  };
}
