import type { Job, JobAttempt, PgBoss } from "pg-boss";
import { Batcher } from "../async/batcher.ts";
import type { Clock } from "../async/clock.ts";
import { Loop } from "../async/loop.ts";
import { sleep } from "../async/sleep.ts";
import type { Logger } from "../telemetry/log.ts";
import {
  type IncomingMessage,
  type SubscribeOptions,
  type Subscription,
  UnreadableMessageError,
} from "./bus.ts";
import { followClockBack } from "./postgres-clock.ts";
import { type MessageData, queueName, toDeadLetterJob } from "./postgres-queues.ts";
import { type SeldomLog, seldomLog } from "./seldom-log.ts";
import { Watchdog, type WatchLimits } from "./watchdog.ts";

// One member of a group. The order of steps for each message: claim the job (it becomes active and
// its key waits) → handle → remove the job (the key moves on). While it is claimed, a heartbeat
// says that this process lives.
//
// If the process dies before the job is removed, the heartbeat stops, pg-boss puts the job back,
// ahead of the later ones of its key, and a member handles it again: at least once, in order. If
// the process stalls for longer than the heartbeat allows, another member handles the message while
// this one may still be at it; its acknowledgement is then void, because it names the attempt.

/**
 * Messages under way at once, each of a key of its own. A fetch costs as much as all that waits is
 * long, so it should bring many.
 */
const IN_FLIGHT_MAX = 500;
/** The loop is woken by a notification; this finds what one that was lost would have told, in ms. */
const POLL_MS = 500;
/** After a fetch that failed; doubles up to the second, in ms. */
const FETCH_BACKOFF_MS = 100;
const FETCH_BACKOFF_MAX_MS = 1_000;
/** A quarter of the time after which a silent member is taken for dead, in ms. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** Tries within one claim; then the database keeps the message, and its place here is free. */
const TRIES_PER_CLAIM = 4;
/** Doubles with each try within a claim, in ms: 100, 200, 400. */
const FIRST_BACKOFF_MS = 100;

type MessageJob = Job<MessageData>;

export interface PostgresSubscriptionOptions extends SubscribeOptions {
  readonly boss: PgBoss;
  readonly log: Logger;
  readonly clock: Clock;
  readonly watch: WatchLimits | undefined;
}

export class PostgresSubscription implements Subscription {
  readonly queue: string;
  /** Its loop outlives every failure; only what hangs ends it. */
  readonly failed: Promise<never>;
  readonly #options: PostgresSubscriptionOptions;
  readonly #acknowledger: Acknowledger;
  readonly #logFailure: SeldomLog;
  readonly #closing = new AbortController();
  readonly #claims = new Map<MessageJob, Promise<void>>();
  readonly #loop: Loop;
  readonly #watchdog: Watchdog;
  #cancelHeartbeat: () => void = () => {};
  /** The look at the clock under way. */
  #following: Promise<void> | undefined;

  constructor(options: PostgresSubscriptionOptions) {
    const { boss, clock, log, topic, group } = options;
    this.queue = queueName(topic, group);
    this.#options = options;
    this.#logFailure = seldomLog(log, clock);
    this.#acknowledger = new Acknowledger(boss, this.queue, clock, this.#logFailure);
    this.#scheduleHeartbeat();
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    // A fetch that fails is no silence, so there is nobody else to ask.
    const probe = () => Promise.resolve();
    this.#watchdog = new Watchdog({ clock, limits: options.watch, probe, onStuck: reject });
    this.#loop = new Loop({
      clock,
      step: () => this.#fetch().finally(() => this.#watchdog.sign()),
      onError: (error) => this.#logFailure("warn", `Cannot fetch messages of ${this.queue}`, error),
      backoffMs: FETCH_BACKOFF_MS,
      backoffMaxMs: FETCH_BACKOFF_MAX_MS,
    });
    this.#loop.start();
    this.#watchdog.start();
  }

  /** There may be a message to fetch. */
  wake(): void {
    this.#loop.wake();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#watchdog.close();
    this.#acknowledger.startClosing();
    await this.#loop.close();
    await Promise.all(this.#claims.values());
    this.#cancelHeartbeat();
    await this.#following;
  }

  /** Starts what there is to do; resolves with how long to wait for more, in ms. */
  async #fetch(): Promise<number> {
    const room = IN_FLIGHT_MAX - this.#claims.size;
    if (room === 0) return POLL_MS;
    const { boss } = this.#options;
    const jobs = await boss.fetch<MessageData>(this.queue, { batchSize: room });
    for (const job of jobs) this.#claims.set(job, this.#deliver(job));
    return jobs.length === room ? 0 : POLL_MS;
  }

  /** Never rejects. */
  async #deliver(job: MessageJob): Promise<void> {
    if (await this.#handle(job)) await this.#acknowledger.acknowledge(job);
    else await this.#giveBack(job);
    this.#claims.delete(job);
    this.wake();
  }

  /** True when the message is done with; false when it is to be delivered again. */
  async #handle(job: MessageJob): Promise<boolean> {
    for (let attempt = 1; attempt <= TRIES_PER_CLAIM; attempt++) {
      const message: IncomingMessage = {
        ...job.data,
        position: `${this.queue}/${job.id}`,
        attempt: job.retryCount * TRIES_PER_CLAIM + attempt,
      };
      try {
        await this.#handleOrBury(job.id, message);
        return true;
      } catch (error) {
        this.#logRetry(message, error);
      }
      if (attempt < TRIES_PER_CLAIM && !await this.#backOff(attempt)) break;
    }
    return false;
  }

  async #handleOrBury(id: string, message: IncomingMessage): Promise<void> {
    const { boss, topic, log, handle } = this.#options;
    try {
      await this.#watchdog.handle(() => handle(message));
    } catch (error) {
      if (!(error instanceof UnreadableMessageError)) throw error;
      await boss.insert(topic.deadLetterQueue, [toDeadLetterJob(id, message, error.message)]);
      log.error("a message went to the dead letters", {
        ...this.#fieldsOf(message),
        dead_letters: topic.deadLetterQueue,
        reason: error.message,
      });
    }
  }

  #logRetry(message: IncomingMessage, error: unknown): void {
    const fields = { ...this.#fieldsOf(message), attempt: message.attempt, error };
    this.#options.log.warn("a message will be delivered again", fields);
  }

  #fieldsOf({ key, position }: IncomingMessage) {
    const { topic, group } = this.#options;
    return {
      messaging_destination_name: topic.name,
      messaging_consumer_group_name: group,
      position,
      key,
    };
  }

  /** False when the subscription closes meanwhile. */
  async #backOff(attempt: number): Promise<boolean> {
    const delayMs = FIRST_BACKOFF_MS * 2 ** (attempt - 1);
    try {
      await sleep(this.#options.clock, delayMs, this.#closing.signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Leaves the message to the database, which delivers it again after a backoff of its own. */
  async #giveBack(job: MessageJob): Promise<void> {
    try {
      await this.#options.boss.fail(this.queue, job);
    } catch (error) {
      // Without its heartbeat the claim lapses, and the message is delivered again all the same.
      this.#logFailure("warn", `Cannot give back a message of ${this.queue}`, error);
    }
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#options.clock.setTimer(HEARTBEAT_INTERVAL_MS, () => {
      this.#scheduleHeartbeat();
      void this.#sendHeartbeat();
      this.#following ??= this.#followClockBack().finally(() => this.#following = undefined);
    });
  }

  async #sendHeartbeat(): Promise<void> {
    const jobs = [...this.#claims.keys()];
    if (jobs.length === 0) return;
    try {
      await this.#options.boss.touch(this.queue, jobs);
    } catch (error) {
      this.#logFailure("warn", `Cannot send the heartbeat of ${this.queue}`, error);
    }
  }

  async #followClockBack(): Promise<void> {
    const { boss, log } = this.#options;
    try {
      if (!await followClockBack(boss, this.queue)) return;
      log.warn("the clock of the bus's database stepped back", { queue: this.queue });
      this.wake();
    } catch (error) {
      this.#logFailure("warn", `Cannot look at the clock of ${this.queue}`, error);
    }
  }
}

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
