import type { z } from "zod";
import { orderCreateRequest } from "../../proto/loms/v1/schemas.ts";
import type { Deps } from "../domain/deps.ts";
import { orderCreate } from "../domain/order-create.ts";
import type { ResponseOf, RpcMethod } from "./method.ts";

type Method = RpcMethod<z.output<typeof orderCreateRequest>, ResponseOf<"orderCreate">>;

export function orderCreateMethod(deps: Deps): Method {
  return {
    request: orderCreateRequest,
    takesIdempotencyKey: true,
    async handle({ user, items }, { context, idempotencyKey }) {
      const input = { userId: user, items, idempotencyKey };
      return { orderID: await orderCreate(deps, input, context) };
    },
  };
}
