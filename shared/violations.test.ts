import { expect, test } from "vitest";
import { z } from "zod";
import { invalidArgument, violationsOf } from "./violations.ts";

const schema = z.strictObject({ items: z.array(z.strictObject({ name: z.string() })) });

function refusal(value: unknown): string {
  const { error } = schema.safeParse(value);
  return invalidArgument(violationsOf(error as z.ZodError)).message;
}

test.each([
  [[], "The body must be an object"],
  [{}, "items must be an array"],
  [{ items: [{ name: 1 }] }, "items.0.name must be a string"],
  [{ items: [{ name: "a", age: 1 }] }, "items.0.age is not a known field"],
  [{ items: [1, 2] }, "items.0 must be an object (and 1 more)"],
])("%j is refused with %j", (value, message) => expect(refusal(value)).toBe(message));
