/** Maximum length of an error's chain of causes, which may be a cycle. */
const CAUSES_MAX = 5;

/** An error as the fields of a log line; the stack trace includes causes and aggregated errors. */
export interface ExceptionFields {
  readonly exception_type?: string;
  readonly exception_message: string;
  readonly exception_stacktrace?: string;
}

export function exceptionFields(error: unknown): ExceptionFields {
  if (!(error instanceof Error)) return { exception_message: String(error) };
  return {
    exception_type: error.name,
    exception_message: error.message,
    exception_stacktrace: stackOf(error),
  };
}

function stackOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  const parts = [
    error.stack ?? String(error),
    ...(code === undefined ? [] : [`  code: ${String(code)}`]),
  ];
  if (depth === CAUSES_MAX) return parts.join("\n");
  const within = error instanceof AggregateError ? error.errors.slice(0, CAUSES_MAX) : [];
  for (const each of within) parts.push(`  one of its errors: ${stackOf(each, depth + 1)}`);
  if (error.cause !== undefined) parts.push(`  caused by ${stackOf(error.cause, depth + 1)}`);
  return parts.join("\n");
}

/**
 * The reason of an expected error, in one field and without stacks: an unavailable dependency fails
 * every request in the same place.
 */
export function causeOf(error: Error): { readonly cause?: string } {
  const causes: string[] = [];
  for (let { cause } = error; cause !== undefined && causes.length < CAUSES_MAX;) {
    causes.push(String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.length === 0 ? {} : { cause: causes.join(" < ") };
}
