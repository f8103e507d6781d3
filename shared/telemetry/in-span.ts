import type { Clock } from "../async/clock.ts";
import { toAppError } from "../errors.ts";
import type { SpanRecord, Tracing } from "./tracing.ts";

export interface SpanOfWork extends Pick<SpanRecord, "traceparent" | "parent" | "name" | "kind"> {
  readonly clock: Clock;
  /** What is said of the work, by the code that it failed with. */
  readonly describe: (failure: string | undefined) => Pick<SpanRecord, "attributes" | "error">;
  /** The code of what was thrown; by default its code in our vocabulary. */
  readonly codeOf?: (thrown: unknown) => string;
}

/** Does the work and records it as a span, whatever becomes of it. */
export async function inSpan<Result>(
  tracing: Tracing,
  span: SpanOfWork,
  work: () => Promise<Result>,
): Promise<Result> {
  const { clock, describe, codeOf = (thrown) => toAppError(thrown).code, ...place } = span;
  const startedAt = clock.now();
  let failure: string | undefined;
  try {
    return await work();
  } catch (thrown) {
    failure = codeOf(thrown);
    throw thrown;
  } finally {
    tracing.record({
      ...place,
      startedAt,
      durationMs: clock.now() - startedAt,
      ...describe(failure),
    });
  }
}
