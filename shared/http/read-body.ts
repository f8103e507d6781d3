import { Buffer } from "node:buffer";
import { type RequestContext, within } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import { parseJsonBody } from "../json.ts";
import type { HttpContext } from "./exchange.ts";
import { HttpError } from "./problem.ts";

/** Far above every request of cart. */
export const BODY_MAX_BYTES = 64 * 1024;

/**
 * The request's body, of at most `maxBytes`. A body with a larger declared length is not read; one
 * without a declared length is read up to the limit.
 * @throws {HttpError} 413
 * @throws {AppError} `invalid_argument` if the client disconnects, `deadline_exceeded` if it is too
 * slow
 */
export async function readBody(
  c: HttpContext,
  maxBytes: number,
): Promise<ArrayBuffer | Uint8Array> {
  const request = c.req.raw;
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  const { context } = c.get("exchange");
  try {
    return declared === null
      ? await readStream(request.body, maxBytes, context)
      : await withinDeadline(request.arrayBuffer(), context);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const message = "The request body ended before it was complete";
    throw new AppError("invalid_argument", message, { cause: error });
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `The body is larger than ${maxBytes} bytes`);
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  context: RequestContext,
): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await withinDeadline(reader.read(), context);
      if (done) return Buffer.concat(chunks);
      size += value.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    // Not awaited: a stream with a disconnected client may never settle.
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

function withinDeadline<Value>(work: Promise<Value>, context: RequestContext): Promise<Value> {
  return within(context.clock, context.remainingMs(), work, () => {
    throw new AppError("deadline_exceeded", "The request body did not arrive in time");
  });
}

/**
 * The value of a JSON body of at most `maxBytes`, before any schema is applied.
 * @throws {AppError} HttpError 415, then 413; `invalid_argument` for a body that is not strict JSON
 */
export async function readJson(c: HttpContext, maxBytes: number): Promise<unknown> {
  requireJson(c);
  return parseJsonBody(await readBody(c, maxBytes));
}

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i;
const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^"; \t]*)/i;
/** ASCII is valid UTF-8. */
const UTF8_NAMES = ["utf-8", "utf8", "us-ascii"];

/** Whether the content type is JSON, also with a charset or encoding that is not read. */
export function namesJson(c: HttpContext): boolean {
  return JSON_TYPE.test(c.req.raw.headers.get("content-type") ?? "");
}

/** @throws {HttpError} 415 */
export function requireJson(c: HttpContext): void {
  const { headers } = c.req.raw;
  const type = headers.get("content-type");
  if (type !== "application/json" && (type === null || !isJson(type))) {
    throw new HttpError(415, "The body must be application/json in UTF-8");
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new HttpError(415, "The body must not be compressed");
  }
}

/** Parameters other than the charset have no meaning for JSON (RFC 8259) and are ignored. */
function isJson(type: string): boolean {
  const charset = CHARSET.exec(type)?.[1]?.toLowerCase() ?? "utf-8";
  return JSON_TYPE.test(type) && UTF8_NAMES.includes(charset);
}

/** The parsed body or the error, which is thrown together with those of the path. */
export function parseOrError(bytes: ArrayBuffer | Uint8Array, mayBeMissing: boolean): unknown {
  if (mayBeMissing && bytes.byteLength === 0) return undefined;
  try {
    return parseJsonBody(bytes);
  } catch (error) {
    return error;
  }
}
