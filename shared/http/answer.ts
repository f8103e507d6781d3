import { Buffer } from "node:buffer";
import { toAppError } from "../errors.ts";
import { jsonIntegers } from "../json-integer.ts";
import { acceptsGzip } from "./accept.ts";
import { CONSTANT_HEADERS } from "./constant-headers.ts";
import type { HttpContext } from "./exchange.ts";
import { GZIP_MIN_BYTES, gzipped, isCompressible } from "./gzip.ts";
import { problemHeaders, problemOf } from "./problem.ts";

const JSON_HEADERS = { ...CONSTANT_HEADERS, "content-type": "application/json" };

export type AnswerBody = string | Uint8Array<ArrayBuffer> | null;
/** A large answer is there a little later, compressed. */
export type Answered = Response | Promise<Response>;

/** Answers with `body` as JSON, bigints with every digit; without one there is no body at all. */
export function answerJson(
  c: HttpContext,
  status: number,
  body?: unknown,
): Answered {
  if (body === undefined) return answer(c, status, null, CONSTANT_HEADERS);
  return answer(c, status, JSON.stringify(body, jsonIntegers), JSON_HEADERS);
}

/** Answers whatever was thrown as a problem, and keeps it for the observers. */
export function answerProblem(c: HttpContext, thrown: unknown): Answered {
  const exchange = c.get("exchange");
  const error = toAppError(thrown);
  const problem = problemOf(error, exchange.context.traceId);
  exchange.error = error;
  return answer(c, problem.status, JSON.stringify(problem), problemHeaders(error));
}

/** Answers with `body` under the headers that every answer has, unless `headers` have others. */
export function answerText(
  c: HttpContext,
  status: number,
  body: AnswerBody,
  headers: Record<string, string>,
): Answered {
  return answer(c, status, body, { ...CONSTANT_HEADERS, ...headers });
}

/** Every answer of ours goes through here; a large one is compressed for those who take that. */
function answer(
  c: HttpContext,
  status: number,
  body: AnswerBody,
  headers: Record<string, string>,
): Answered {
  if (body === null || body.length < GZIP_MIN_BYTES || !isCompressible(headers["content-type"])) {
    return respond(c, status, body, headers);
  }
  const varying = { ...headers, vary: "accept-encoding" };
  if (!acceptsGzip(c.req.raw.headers)) return respond(c, status, body, varying);
  return gzipped(body).then((compressed) => respondGzipped(c, status, compressed, varying));
}

/** Answers with a body that is compressed already. */
export function respondGzipped(
  c: HttpContext,
  status: number,
  compressed: Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Response {
  return respond(c, status, compressed, { ...headers, "content-encoding": "gzip" });
}

/**
 * Headers are a plain object and the body is one string, because node-server writes such an answer
 * without making a Headers or a stream.
 */
function respond(
  c: HttpContext,
  status: number,
  body: AnswerBody,
  headers: Record<string, string>,
): Response {
  const exchange = c.get("exchange");
  exchange.status = status;
  if (body !== null) {
    exchange.bytes = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  }
  const named: Record<string, string> = { ...headers, "x-request-id": exchange.requestId };
  // Hono takes the body of an answer to HEAD away, and with it what tells its length.
  if (exchange.method === "HEAD" && body !== null) {
    named["content-length"] = String(exchange.bytes);
  }
  return new Response(body, { status, headers: named });
}
