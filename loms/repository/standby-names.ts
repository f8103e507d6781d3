import { Batcher } from "../../shared/async/batcher.ts";
import type { Clock } from "../../shared/async/clock.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { within } from "../../shared/async/within.ts";
import { AppError } from "../../shared/errors.ts";
import type { StatementRunner } from "../../shared/postgres/pool.ts";
import { type SharedPlace, sharedPlace } from "../../shared/telemetry/serve-together.ts";
import { STANDBY_NAMES } from "./statements.ts";

// PostgreSQL ends every wait for a replica when `synchronous_standby_names` is emptied, as a cluster
// manager does that lost its standby: the commits that waited look like any other. Each session has the
// new value before a wait ends, so a question after the commit finds it.

/** One question serves all writes that ended before it. */
const BATCH_MAX = 1_000;
/** It reads one setting. */
const TIMEOUT_MS = 1_000;

/** Asks the primary which standbys it waits for; questions that come together are one. */
export class StandbyNames {
  readonly #questions: Batcher<RequestContext, string>;

  constructor(pool: StatementRunner, clock: Clock) {
    this.#questions = new Batcher({
      batchMax: BATCH_MAX,
      clock,
      async run(contexts) {
        const place = sharedPlace(contexts.map(({ traceparent }) => traceparent)) as SharedPlace;
        const context = new RequestContext({ ...place, timeoutMs: TIMEOUT_MS, clock });
        const [row] = await pool.run(STANDBY_NAMES, [], context);
        return contexts.map(() => row?.standbys ?? "");
      },
    });
  }

  /**
   * `synchronous_standby_names` at a moment after this call.
   * @throws {AppError} when the primary does not answer in time
   */
  ask(context: RequestContext): Promise<string> {
    return within(context.clock, context.remainingMs(), this.#questions.ask(context), () => {
      throw new AppError("deadline_exceeded", "the outcome is unknown: the deadline has passed");
    });
  }
}
