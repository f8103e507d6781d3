import type { JobAttempt, PgBoss } from "pg-boss";
import { Batcher } from "../async/batcher.ts";
import type { Clock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import type { SeldomLog } from "./seldom-log.ts";

/** One statement removes at most this many jobs. */
const BATCH_MAX = 500;
/** Between tries while the database is away, in ms. */
const RETRY_MS = 250;
/** Tries once the subscription closes; what is left is delivered again. */
const CLOSING_TRIES_MAX = 8;

/**
 * Acknowledges messages by removing their jobs, many in one statement. Removing, not completing, so
 * that the table holds only what waits. pg-boss removes a job only for the attempt that was fetched,
 * so an acknowledgement that comes after the message went to another member changes nothing.
 */
export class Acknowledger {
  readonly #boss: PgBoss;
  readonly #queue: string;
  readonly #clock: Clock;
  readonly #logFailure: SeldomLog;
  readonly #removals = new Batcher<JobAttempt, void>({
    batchMax: BATCH_MAX,
    run: async (jobs) => {
      await this.#remove([...jobs]);
      return [];
    },
  });
  #closing = false;

  constructor(boss: PgBoss, queue: string, clock: Clock, logFailure: SeldomLog) {
    this.#boss = boss;
    this.#queue = queue;
    this.#clock = clock;
    this.#logFailure = logFailure;
  }

  /** Resolves when the job is removed, or when it will not be any more (it is delivered again). */
  acknowledge(job: JobAttempt): Promise<void> {
    return this.#removals.ask(job);
  }

  /** From now on the tries are limited. */
  startClosing(): void {
    this.#closing = true;
  }

  async #remove(jobs: JobAttempt[]): Promise<void> {
    for (let closingTries = 0; closingTries < CLOSING_TRIES_MAX;) {
      try {
        await this.#boss.deleteJob(this.#queue, jobs);
        return;
      } catch (error) {
        this.#logFailure("warn", `Cannot acknowledge messages of ${this.#queue}`, error);
      }
      await sleep(this.#clock, RETRY_MS);
      if (this.#closing) closingTries += 1;
    }
  }
}
