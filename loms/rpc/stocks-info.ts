import type { z } from "zod";
import { stocksInfoRequest } from "../../proto/loms/v1/schemas.ts";
import type { Deps } from "../domain/deps.ts";
import { stocksInfo } from "../domain/stocks-info.ts";
import type { ResponseOf, RpcMethod } from "./method.ts";

type Method = RpcMethod<z.output<typeof stocksInfoRequest>, ResponseOf<"stocksInfo">>;

export function stocksInfoMethod(deps: Deps): Method {
  return {
    request: stocksInfoRequest,
    async handle({ sku }, { context }) {
      return { count: await stocksInfo(deps, sku, context) };
    },
  };
}
