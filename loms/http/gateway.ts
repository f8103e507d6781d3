import type { RouteConfig } from "@hono/zod-openapi";
import { requireJsonAccepted } from "../../shared/http/accept.ts";
import { answerJson } from "../../shared/http/answer.ts";
import type { MountedRoute } from "../../shared/http/app.ts";
import { BODY_MAX_BYTES } from "../../shared/http/read-body.ts";
import { readJson } from "../../shared/http/read-json.ts";
import type { Rpc } from "../rpc/chain.ts";
import type { MethodName } from "../rpc/method.ts";

/** A method of loms as a route: JSON in, the same chain as gRPC, JSON out. */
export function gateway(
  method: MethodName,
  document: RouteConfig,
  rpc: Rpc,
  bodyMaxBytes: number = BODY_MAX_BYTES,
): MountedRoute {
  return {
    method: document.method,
    path: document.path,
    document,
    async run(c) {
      const key = c.req.raw.headers.get("idempotency-key");
      const { context } = c.get("exchange");
      const response = await rpc({
        method,
        system: "http",
        context,
        read: () => readJson(c, bodyMaxBytes),
        checkAnswerable: () => requireJsonAccepted(c),
        idempotencyKeys: key === null ? [] : [key],
      });
      return answerJson(c, 200, response);
    },
  };
}
