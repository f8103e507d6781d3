import type { Deps } from "../domain/deps.ts";
import type { RpcMethods } from "./method.ts";
import { orderCancelMethod } from "./order-cancel.ts";
import { orderCreateMethod } from "./order-create.ts";
import { orderInfoMethod } from "./order-info.ts";
import { orderPayMethod } from "./order-pay.ts";
import { stocksInfoMethod } from "./stocks-info.ts";

/** The methods of loms, the same for both doors. */
export function rpcMethods(deps: Deps): RpcMethods {
  return {
    orderCreate: orderCreateMethod(deps),
    orderInfo: orderInfoMethod(deps),
    orderPay: orderPayMethod(deps),
    orderCancel: orderCancelMethod(deps),
    stocksInfo: stocksInfoMethod(deps),
  };
}
