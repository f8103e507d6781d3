import { createRoute } from "@hono/zod-openapi";
import { stocksInfoRequest, stocksInfoResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

const route = createRoute({
  operationId: "stocksInfo",
  method: "post",
  path: "/v1/stock/info",
  summary: "Tell how many of a SKU can be bought",
  request: {
    body: { required: true, content: { "application/json": { schema: stocksInfoRequest } } },
  },
  responses: {
    200: {
      description: "How many can be bought",
      content: { "application/json": { schema: stocksInfoResponse } },
    },
    ...problemResponses(400, 404, 413, 415, 429, 500, 503, 504),
  },
});

export function stocksInfoRoute(rpc: Rpc): MountedRoute {
  return gateway("stocksInfo", route, rpc);
}
