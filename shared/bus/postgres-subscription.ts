import type { Job, JobAttempt, PgBoss } from "pg-boss";
import { Loop } from "../async/loop.ts";
import { sleep, systemClock } from "../async/request-context.ts";
import { Batcher } from "../telemetry/batcher.ts";
import type { Logger } from "../telemetry/log.ts";
import { type ThrottledLog, throttledLog } from "../telemetry/throttled-log.ts";
import type { IncomingMessage, OutgoingMessage, SubscribeOptions, Subscription } from "./bus.ts";
import { deliver } from "./deliver.ts";
import { checkQueue } from "./postgres-clock.ts";
import { queueName, toDeadLetterJob } from "./postgres-queues.ts";
import { Watchdog, type WatchLimits } from "./watchdog.ts";

// One member of a group. The steps for each message: claim the job (it becomes active, and its key
// waits) → handle → remove the job (the key continues). Heartbeats keep the claim.
//
// If the process dies before the job is removed, the heartbeats stop, pg-boss puts the job back,
// ahead of later ones of its key, and a member handles it again: at least once, in order. If the
// process stalls for longer than the heartbeat allows, another member handles the message while
// this one may still be processing it; its acknowledgement then has no effect, because it names the
// attempt.

/**
 * Messages in progress at once, each of a different key. The cost of a fetch grows with the number
 * of waiting jobs, so it should return many.
 */
const IN_FLIGHT_MAX = 500;
/** A notification wakes the loop; this finds retries, and jobs without a notification, in ms. */
const POLL_MS = 500;
/** The same when there was no job for longer than the database delays a retry, in ms. */
const IDLE_POLL_MS = 2_000;
const IDLE_AFTER_MS = 10_000;
/** After a failed fetch; doubles up to the maximum, in ms. */
const FETCH_BACKOFF_MS = 100;
const FETCH_BACKOFF_MAX_MS = 1_000;
/** Between heartbeats, and between checks for silent members; a quarter of HEARTBEAT_S, in ms. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** Attempts within one claim; then the job goes back to the database. */
const TRIES_PER_CLAIM = 4;
/** Doubles with each attempt within a claim, in ms: 100, 200, 400. */
const FIRST_BACKOFF_MS = 100;

/** Jobs acknowledged by one statement. */
const ACKNOWLEDGED_MAX = 500;
/** More than a member has in progress. */
const WAITING_MAX = 10_000;
/** Between attempts to acknowledge while the database is unavailable, in ms. */
const RETRY_MS = 250;
/** Such attempts once the subscription closes; messages left over are redelivered. */
const CLOSING_TRIES_MAX = 8;

type MessageJob = Job<OutgoingMessage>;

export interface PostgresSubscriptionOptions extends SubscribeOptions {
  readonly boss: PgBoss;
  readonly log: Logger;
  readonly watch?: WatchLimits;
}

export class PostgresSubscription implements Subscription {
  readonly queue: string;
  /** Its loop survives every error; only a handler that hangs fails it. */
  readonly failed: Promise<never>;
  readonly #options: PostgresSubscriptionOptions;
  readonly #logFailure: ThrottledLog;
  readonly #closing = new AbortController();
  /**
   * Removes jobs, many in one statement. Removing, not completing, keeps only waiting jobs in the
   * table. pg-boss removes a job only for the attempt that was fetched, so this has no effect after
   * the message went to another member.
   */
  readonly #acknowledgements = new Batcher<JobAttempt, void>({
    batchMax: ACKNOWLEDGED_MAX,
    waitingMax: WAITING_MAX,
    run: (jobs) => this.#acknowledge([...jobs]).then(() => []),
  });
  readonly #claims = new Set<MessageJob>();
  readonly #deliveries = new Set<Promise<void>>();
  readonly #loop: Loop;
  readonly #watchdog: Watchdog;
  #cancelHeartbeat: () => void = () => {};
  /** The check in progress. */
  #checking: Promise<void> | undefined;
  #lastJobAt = -Infinity;

  constructor(options: PostgresSubscriptionOptions) {
    const { log, topic, group, watch: limits } = options;
    this.queue = queueName(topic, group);
    this.#options = options;
    this.#logFailure = throttledLog(log, systemClock);
    this.#scheduleHeartbeat();
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    // Failed fetches count as signs of life, so no probe is needed.
    const probe = () => Promise.resolve();
    this.#watchdog = new Watchdog({ clock: systemClock, limits, probe, onStuck: reject });
    this.#loop = new Loop({
      clock: systemClock,
      step: () => this.#fetch().finally(() => this.#watchdog.sign()),
      onError: (error) => this.#logFailure("warn", `Cannot fetch messages of ${this.queue}`, error),
      backoffMs: FETCH_BACKOFF_MS,
      backoffMaxMs: FETCH_BACKOFF_MAX_MS,
    });
    this.#loop.start();
    this.#watchdog.start();
  }

  /** Fetches now: there may be a new message. */
  wake(): void {
    this.#loop.wake();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#watchdog.close();
    await this.#loop.close();
    await Promise.all(this.#deliveries);
    this.#cancelHeartbeat();
    await this.#checking;
  }

  /** Starts the handlers of new messages; resolves with the delay until the next fetch, in ms. */
  async #fetch(): Promise<number> {
    const capacity = IN_FLIGHT_MAX - this.#claims.size;
    if (capacity === 0) return POLL_MS;
    const { boss } = this.#options;
    const jobs = await boss.fetch<OutgoingMessage>(this.queue, { batchSize: capacity });
    for (const list of apart(jobs)) this.#start(list);
    if (jobs.length === capacity) return 0;
    if (this.#claims.size > 0) this.#lastJobAt = systemClock.now();
    return systemClock.now() - this.#lastJobAt < IDLE_AFTER_MS ? POLL_MS : IDLE_POLL_MS;
  }

  #start(jobs: readonly MessageJob[]): void {
    for (const job of jobs) this.#claims.add(job);
    const delivery = this.#deliver(jobs, 1);
    this.#deliveries.add(delivery);
    void delivery.finally(() => this.#deliveries.delete(delivery));
  }

  /** Returns when no message is claimed any more. Never rejects. */
  async #deliver(jobs: readonly MessageJob[], attempt: number): Promise<void> {
    if (jobs.length === 0) return;
    const { boss, topic: { deadLetterQueue } } = this.#options;
    const messages = jobs.map((job): IncomingMessage => ({
      ...job.data,
      position: `${this.queue}/${job.id}`,
      attempt: job.retryCount * TRIES_PER_CLAIM + attempt,
    }));
    const delivery = { ...this.#options, watchdog: this.#watchdog };
    const outcomes = await deliver(delivery, messages, async (index, reason) => {
      const [job, message] = [jobs[index] as MessageJob, messages[index] as IncomingMessage];
      await boss.insert(deadLetterQueue, [toDeadLetterJob(job.id, message, reason)]);
    });
    await Promise.all(jobs.map(async (job, index) => {
      if (outcomes[index] === "handled") await this.#acknowledgements.submit(job);
      else if (attempt < TRIES_PER_CLAIM && await this.#backOff(attempt)) {
        return await this.#deliver([job], attempt + 1);
      } else await this.#release(job);
      this.#claims.delete(job);
      this.wake();
    }));
  }

  /** Returns when the jobs are removed, or the attempts are used up: then they are redelivered. */
  async #acknowledge(jobs: JobAttempt[]): Promise<void> {
    for (let closingTries = 0; closingTries < CLOSING_TRIES_MAX;) {
      try {
        await this.#options.boss.deleteJob(this.queue, jobs);
        return;
      } catch (error) {
        this.#logFailure("warn", `Cannot acknowledge messages of ${this.queue}`, error);
      }
      await sleep(systemClock, RETRY_MS);
      if (this.#closing.signal.aborted) closingTries += 1;
    }
  }

  /** Returns false when the subscription closes meanwhile. */
  async #backOff(attempt: number): Promise<boolean> {
    const delayMs = FIRST_BACKOFF_MS * 2 ** (attempt - 1);
    return await sleep(systemClock, delayMs, this.#closing.signal).then(() => true, () => false);
  }

  /** Returns the job to the database, which redelivers it after a backoff. */
  async #release(job: MessageJob): Promise<void> {
    try {
      await this.#options.boss.fail(this.queue, job);
    } catch (error) {
      // Without heartbeats the claim expires, and the message is redelivered anyway.
      this.#logFailure("warn", `Cannot release a message of ${this.queue}`, error);
    }
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = systemClock.setTimer(HEARTBEAT_INTERVAL_MS, () => {
      this.#scheduleHeartbeat();
      void this.#sendHeartbeat();
      this.#checking ??= this.#check().finally(() => this.#checking = undefined);
    });
  }

  async #sendHeartbeat(): Promise<void> {
    const jobs = [...this.#claims];
    if (jobs.length === 0) return;
    try {
      await this.#options.boss.touch(this.queue, jobs);
    } catch (error) {
      this.#logFailure("warn", `Cannot send the heartbeat of ${this.queue}`, error);
    }
  }

  /** Makes jobs ready to be fetched after a clock stepped back or a member died. */
  async #check(): Promise<void> {
    const { boss, log } = this.#options;
    try {
      const { ahead, silent } = await checkQueue(boss, this.queue);
      if (ahead) log.warn("clock of the bus's database stepped back", { queue: this.queue });
      if (silent) await boss.supervise(this.queue);
      if (!ahead && !silent) return;
      this.#lastJobAt = systemClock.now();
      this.wake();
    } catch (error) {
      this.#logFailure("warn", `Cannot check ${this.queue}`, error);
    }
  }
}

/** Groups the jobs by call: first deliveries together, each redelivered one alone. */
function apart(jobs: readonly MessageJob[]): MessageJob[][] {
  const again = jobs.filter(({ retryCount }) => retryCount > 0);
  return [jobs.filter(({ retryCount }) => retryCount === 0), ...again.map((job) => [job])];
}
