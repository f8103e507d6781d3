import { createHash, timingSafeEqual } from "node:crypto";
import { AppError } from "../errors.ts";
import type { MountedRoute } from "./exchange.ts";

/** RFC 6750, 2.1; the scheme's case does not matter. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;
/** The characters of a token, so that a header can carry it. */
export const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The security scheme in a document, under this name. */
export const BEARER_SCHEME = { type: "http", scheme: "bearer" } as const;

/**
 * The routes, which answer 401 before they read the body unless the caller sends the token. Without
 * a token they are open. No message contains a token.
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

/** A digest has the same length for every token, which the comparison requires. */
function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
