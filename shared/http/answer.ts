import { Buffer } from "node:buffer";
import { toAppError } from "../errors.ts";
import { jsonIntegers } from "../json-integer.ts";
import type { HttpContext } from "./exchange.ts";
import { problemHeaders, problemOf } from "./problem.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/** Answers with `body` as JSON, bigints with every digit; without one there is no body at all. */
export function answerJson(c: HttpContext, status: number, body?: unknown): Response {
  if (body === undefined) return answerText(c, status, null, {});
  return answerText(c, status, JSON.stringify(body, jsonIntegers), JSON_HEADERS);
}

/** Answers whatever was thrown as a problem, and keeps it for the observers. */
export function answerProblem(c: HttpContext, thrown: unknown): Response {
  const exchange = c.get("exchange");
  const error = toAppError(thrown);
  const problem = problemOf(error, exchange.context.traceId);
  exchange.error = error;
  return answerText(c, problem.status, JSON.stringify(problem), problemHeaders(error));
}

/**
 * Every answer of ours is made here. Headers are a plain object and the body is one string,
 * because node-server writes such an answer without making a Headers or a stream.
 */
export function answerText(
  c: HttpContext,
  status: number,
  body: string | Uint8Array<ArrayBuffer> | null,
  headers: Record<string, string>,
): Response {
  const exchange = c.get("exchange");
  exchange.status = status;
  if (body !== null) {
    exchange.bytes = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  }
  return new Response(body, { status, headers });
}
