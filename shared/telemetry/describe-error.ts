/** An error's chain of causes is cut here; a cycle would never end. */
const CAUSES_MAX = 5;

/** An error as fields for the log: name, message, code, stack, and its causes. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  const errors = error instanceof AggregateError && depth < CAUSES_MAX
    ? { errors: error.errors.slice(0, CAUSES_MAX).map((each) => describeError(each, depth + 1)) }
    : {};
  const cause = error.cause !== undefined && depth < CAUSES_MAX
    ? { cause: describeError(error.cause, depth + 1) }
    : {};
  return { name, message, ...(code === undefined ? {} : { code }), stack, ...errors, ...cause };
}

/**
 * Why an error came about that is expected to happen, in one field and without stacks: a neighbour
 * that is away fails every request in the same place.
 */
export function causeOf(error: Error): { readonly cause?: string } {
  const causes: string[] = [];
  for (let { cause } = error; cause !== undefined && causes.length < CAUSES_MAX;) {
    causes.push(String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.length === 0 ? {} : { cause: causes.join(" < ") };
}
