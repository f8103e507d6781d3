import { createRoute } from "@hono/zod-openapi";
import { stocksInfoRequest, stocksInfoResponse } from "../../proto/loms/v1/schemas.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { jsonContent } from "../../shared/http/json-content.ts";
import { problemResponses } from "../../shared/http/problem-schema.ts";
import type { Rpc } from "../rpc/chain.ts";
import { gateway } from "./gateway.ts";

const route = createRoute({
  operationId: "stocksInfo",
  method: "post",
  path: "/v1/stock/info",
  summary: "Tell how many of a SKU can be bought",
  description: "What is there less what is reserved, never below 0.",
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

export function stocksInfoRoute(rpc: Rpc): MountedRoute {
  return gateway("stocksInfo", route, rpc);
}
