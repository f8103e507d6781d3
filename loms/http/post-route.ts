import { createRoute, type z } from "@hono/zod-openapi";
import {
  jsonContent,
  problemResponses,
  type ProblemStatus,
} from "../../shared/http/document-responses.ts";

/** Errors of any request with a JSON body. */
const ALWAYS = [400, 406, 413, 415, 429, 500, 503, 504] as const;

export interface PostRoute<Request extends z.ZodType> {
  readonly summary: string;
  readonly description: string;
  readonly tag: string;
  readonly security?: Record<string, string[]>[];
  readonly headers?: z.ZodObject;
  /** The schema and an example of the body. */
  readonly request: readonly [Request, object];
  /** The description, schema and an example of the answer. */
  readonly response: readonly [string, z.ZodType, object];
  /** Errors beside those of every route. */
  readonly problems?: readonly ProblemStatus[];
}

/** The documented route of a method: POST, with a JSON body in both directions. */
export function postRoute<Request extends z.ZodType>(
  operationId: string,
  path: string,
  { tag, security, headers, request, response, problems = [], ...texts }: PostRoute<Request>,
) {
  const [description, schema, example] = response;
  return createRoute({
    ...{ operationId, method: "post", path, ...texts, tags: [tag], ...security && { security } },
    request: {
      ...headers && { headers },
      body: { required: true, content: jsonContent(...request) },
    },
    responses: {
      200: { description, content: jsonContent(schema, example) },
      ...problemResponses(...ALWAYS, ...problems),
    },
  });
}
