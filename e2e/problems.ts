import { expect } from "vitest";
import type { Answer } from "./http.ts";

/** A caller's trace, which the requests of a table share. */
export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
export const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

/** The code of an error body for each status. */
const CODES: Readonly<Record<number, string>> = {
  400: "invalid_argument",
  404: "not_found",
  405: "invalid_argument",
  406: "invalid_argument",
  409: "already_exists",
  412: "failed_precondition",
  413: "invalid_argument",
  415: "invalid_argument",
  429: "resource_exhausted",
  503: "unavailable",
  504: "deadline_exceeded",
};

/** Expects an error body in the format of all services. */
export function expectProblem(answer: Answer, status: number, paths?: readonly string[]): void {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code: CODES[status],
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  if (paths) expect(answer.body.errors?.map(({ path }) => path), answer.text).toEqual(paths);
}
