import { createHash, timingSafeEqual } from "node:crypto";
import { AppError } from "../errors.ts";
import type { MountedRoute } from "./exchange.ts";

/** RFC 6750, 2.1; the scheme's case does not matter. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;
/** What a token may consist of, so that a header can carry it. */
export const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The scheme in a document, under this name. */
export const BEARER_SCHEME = { type: "http", scheme: "bearer" } as const;

/**
 * The routes, each answering 401 before it reads the body unless the caller sends the token;
 * without a token they stay open. Neither token gets into a message.
 */
export function requireBearer(
  routes: readonly MountedRoute[],
  token: string | undefined,
): readonly MountedRoute[] {
  if (token === undefined) return routes;
  const wanted = digest(token);
  return routes.map((route) => ({
    ...route,
    run(c) {
      const sent = BEARER.exec(c.req.raw.headers.get("authorization") ?? "")?.[1];
      if (sent === undefined) {
        throw new AppError("unauthenticated", "Authorization has no bearer token");
      }
      if (!timingSafeEqual(digest(sent), wanted)) {
        throw new AppError("unauthenticated", "The bearer token is wrong");
      }
      return route.run(c);
    },
  }));
}

/** Of one length for every token, which the comparison needs. */
function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
