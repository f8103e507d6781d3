import type { MountedRoute } from "../../shared/http/app.ts";
import type { Rpc } from "../rpc/chain.ts";
import { orderCancelRoute } from "./order-cancel.ts";
import { orderCreateRoute } from "./order-create.ts";
import { orderInfoRoute } from "./order-info.ts";
import { orderPayRoute } from "./order-pay.ts";
import { stocksInfoRoute } from "./stocks-info.ts";

/** The gateway's table of contents. */
export function gatewayRoutes(rpc: Rpc): MountedRoute[] {
  return [
    orderCreateRoute(rpc),
    orderInfoRoute(rpc),
    orderPayRoute(rpc),
    orderCancelRoute(rpc),
    stocksInfoRoute(rpc),
  ];
}
