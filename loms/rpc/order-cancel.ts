import type { z } from "zod";
import { orderCancelRequest } from "../../proto/loms/v1/schemas.ts";
import type { Deps } from "../domain/deps.ts";
import { orderCancel } from "../domain/order-change.ts";
import type { ResponseOf, RpcMethod } from "./method.ts";

type Method = RpcMethod<z.output<typeof orderCancelRequest>, ResponseOf<"orderCancel">>;

export function orderCancelMethod(deps: Deps): Method {
  return {
    request: orderCancelRequest,
    async handle({ orderID }, { context }) {
      await orderCancel(deps, orderID, context);
      return {};
    },
  };
}
