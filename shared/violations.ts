import type { z } from "zod";
import { AppError, type FieldViolation } from "./errors.ts";

/** Violations in one answer; an order may have 1000 lines. */
const VIOLATIONS_MAX = 100;

/** The violations that a schema found, with dotted paths. */
export function violationsOf(error: z.ZodError): FieldViolation[] {
  return error.issues.slice(0, VIOLATIONS_MAX).flatMap((issue): FieldViolation[] => {
    const path = issue.path.join(".");
    if (issue.code === "invalid_type") return [{ path, message: wrongType(issue.expected) }];
    if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
    return issue.keys.slice(0, VIOLATIONS_MAX).map((key) => ({
      path: path === "" ? key : `${path}.${key}`,
      message: "is not a known field",
    }));
  });
}

function wrongType(expected: string): string {
  return `must be ${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected}`;
}

/** The refusal of a request with these violations, of which there is at least one. */
export function invalidArgument(fields: readonly FieldViolation[]): AppError {
  const first = fields[0];
  const where = first === undefined || first.path === "" ? "The body" : first.path;
  const others = fields.length > 1 ? ` (and ${fields.length - 1} more)` : "";
  return new AppError("invalid_argument", `${where} ${first?.message}${others}`, {
    fields: fields.slice(0, VIOLATIONS_MAX),
  });
}
