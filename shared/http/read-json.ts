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

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?;?$/i;

/** @throws {HttpRefusal} 415 */
export function requireJson(c: HttpContext): void {
  const { headers } = c.req.raw;
  const type = headers.get("content-type");
  if (type !== "application/json" && (type === null || !JSON_TYPE.test(type))) {
    throw new HttpRefusal(415, "The body must be application/json in UTF-8");
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new HttpRefusal(415, "The body must not be compressed");
  }
}
