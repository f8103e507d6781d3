import type { z } from "zod";

/** The `content` of a JSON body, with an example that holds beside the test data. */
export function jsonContent<Schema extends z.ZodType>(schema: Schema, example: object) {
  return { "application/json": { schema, example } };
}
