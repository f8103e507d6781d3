import type { z } from "zod";
import { orderPayRequest } from "../../proto/loms/v1/schemas.ts";
import type { Deps } from "../domain/deps.ts";
import { orderPay } from "../domain/order-change.ts";
import type { ResponseOf, RpcMethod } from "./method.ts";

type Method = RpcMethod<z.output<typeof orderPayRequest>, ResponseOf<"orderPay">>;

export function orderPayMethod(deps: Deps): Method {
  return {
    request: orderPayRequest,
    async handle({ orderID }, { context }) {
      await orderPay(deps, orderID, context);
      return {};
    },
  };
}
