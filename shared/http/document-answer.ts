import { createHash } from "node:crypto";
import { answerText } from "./app.ts";
import type { Answered, HttpContext } from "./exchange.ts";
import { acceptsGzip, GZIP_MIN_BYTES, gzipped, isCompressible } from "./negotiation.ts";

export type DocumentAnswer = (c: HttpContext) => Answered;

/**
 * A constant answer: a document, a page, a script. Clients cache it and revalidate it by its ETag;
 * it is compressed once.
 */
export function documentAnswer(
  body: string | Uint8Array<ArrayBuffer>,
  headers: { readonly "content-type": string; readonly [name: string]: string },
): DocumentAnswer {
  // Weak: the compressed and the plain form are one document.
  const etag = `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const kept = {
    ...headers,
    "cache-control": "no-cache",
    etag,
    vary: "accept-encoding",
  };
  const compresses = body.length >= GZIP_MIN_BYTES && isCompressible(headers["content-type"]);
  let compressed: Promise<Uint8Array<ArrayBuffer>> | undefined;
  return (c) => {
    if (isKnown(c.req.raw.headers.get("if-none-match"), etag)) {
      return answerText(c, 304, null, kept);
    }
    if (!compresses || !acceptsGzip(c.req.raw.headers)) return answerText(c, 200, body, kept);
    compressed ??= gzipped(body);
    return compressed.then((bytes) =>
      answerText(c, 200, bytes, { ...kept, "content-encoding": "gzip" })
    );
  };
}

/** If-None-Match compares weakly. */
function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = etag.slice(2);
  return ifNoneMatch.split(",").some((each) => each.trim().replace(/^W\//, "") === opaque);
}
