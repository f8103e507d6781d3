import type { HttpContext } from "./exchange.ts";
import { parseJsonBody } from "./json-body.ts";
import { HttpRefusal } from "./problem.ts";
import { readBody } from "./read-body.ts";

/**
 * What a JSON body of at most `maxBytes` says, before any schema is applied.
 * @throws {AppError} HttpRefusal 415, then 413; `invalid_argument` for what is not strict JSON
 */
export async function readJson(c: HttpContext, maxBytes: number): Promise<unknown> {
  requireJson(c);
  return parseJsonBody(await readBody(c, maxBytes));
}

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i;
const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^"; \t]*)/i;
/** ASCII is UTF-8, too. */
const UTF8_NAMES = ["utf-8", "utf8", "us-ascii"];

/** @throws {HttpRefusal} 415 */
export function requireJson(c: HttpContext): void {
  const { headers } = c.req.raw;
  const type = headers.get("content-type");
  if (type !== "application/json" && (type === null || !isJson(type))) {
    throw new HttpRefusal(415, "The body must be application/json in UTF-8");
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new HttpRefusal(415, "The body must not be compressed");
  }
}

/** Parameters other than the charset mean nothing to JSON (RFC 8259), and are passed over. */
function isJson(type: string): boolean {
  const charset = CHARSET.exec(type)?.[1]?.toLowerCase() ?? "utf-8";
  return JSON_TYPE.test(type) && UTF8_NAMES.includes(charset);
}
