import { PgBoss } from "pg-boss";
import { v7 as uuidV7 } from "uuid";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Dialer } from "../postgres/dialer.ts";
import type { Logger } from "../telemetry/log.ts";
import { BusCalls } from "./bus-calls.ts";
import type {
  Bus,
  DeadLetter,
  OutgoingMessage,
  SubscribeOptions,
  Subscription,
  Topic,
} from "./bus.ts";
import { assertOwnSession, dialedLogin } from "./postgres-login.ts";
import { followClockBack, MONOTONIC_CLOCK } from "./postgres-clock.ts";
import { createQueues, type DeadLetterData, queueName, toJob } from "./postgres-queues.ts";
import { PostgresSubscription } from "./postgres-subscription.ts";
import { type ThrottledLog, throttledLog } from "../telemetry/throttled-log.ts";
import type { WatchLimits } from "./watchdog.ts";

/** Jobs in one statement; fastest between 200 and 1000 in measurements. */
const INSERT_BATCH_MAX = 500;
/** Characters in one statement, which bounds its memory. */
const INSERT_CHARACTERS_MAX = 1 << 20;
/** Fetch, acknowledge, heartbeat, publish and upkeep; LISTEN has another connection. */
const CONNECTIONS_MAX = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** Keeps a server that hangs from blocking the relay; creating the schema takes 1–3 s. */
const QUERY_TIMEOUT_MS = 15_000;
/** How often pg-boss checks for missed heartbeats, in seconds; its minimum. */
const SUPERVISE_S = 1;
/** How often pg-boss deletes jobs past their retention (there are none), in seconds. */
const MAINTENANCE_S = 60 * 60;
/** How long close() waits for pg-boss's own work, in ms; handlers have ended before. */
const STOP_TIMEOUT_MS = 3_000;
/**
 * Statistics of a queue lag behind its length. With nested loops pg-boss's fetch then takes seconds
 * (10 000 waiting jobs: 650/s, without nested loops 19 000/s).
 */
const PLANNER = "set enable_nestloop = off";
/**
 * Commits of the bus do not wait for a replica, so the loss of one blocks nothing. A failover loses
 * no message either: the outbox marks an event as published in a later commit, so a promoted
 * replica that has the mark also has the message, if both databases are on one server.
 */
const COMMITS = "set synchronous_commit = local";
/**
 * With nested loops off, a plan that needs one costs 10^10 and would be JIT-compiled every time.
 */
const COMPILATION = "set jit = off";
/** pg-boss depends on it; the server's default may differ. */
const ISOLATION = "set default_transaction_isolation = 'read committed'";
/** Never reached: the relay's backlog metric shows when messages pile up. */
const WARNING_QUEUE_SIZE = 2_147_483_647;
/**
 * Publishers notify this channel with the name of the queue. pg-boss's own channels are internal.
 */
const CHANNEL = "marketplace_bus";

export interface PostgresBusOptions {
  readonly url: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly watch?: WatchLimits;
}

/**
 * A bus in a PostgreSQL database of its own, through pg-boss. It connects on first use, and again
 * after every failure.
 */
export function createPostgresBus(options: PostgresBusOptions): Bus {
  return new PostgresBus(options);
}

class PostgresBus implements Bus {
  readonly #url: string;
  readonly #boss: PgBoss;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #logFailure: ThrottledLog;
  readonly #watch: WatchLimits | undefined;
  readonly #calls = new BusCalls((topic) => this.#createQueues(topic));
  readonly #subscriptions = new Set<PostgresSubscription>();
  readonly #dialer: Dialer;
  #started: Promise<unknown> | undefined;
  #listening: Promise<{ close(): Promise<void> } | undefined> | undefined;

  constructor({ url, log, clock = systemClock, watch }: PostgresBusOptions) {
    this.#watch = watch;
    this.#url = url;
    this.#log = log;
    this.#clock = clock;
    this.#logFailure = throttledLog(log, clock);
    // Options of `pg`, which pg-boss passes through without declaring them.
    const driverOptions = {
      query_timeout: QUERY_TIMEOUT_MS,
      // Not as startup parameters, which a pooler rejects.
      onConnect: (client: { query(text: string): Promise<unknown> }) =>
        client.query([PLANNER, COMMITS, COMPILATION, ISOLATION].join("; ")),
    };
    const { dialer, login } = dialedLogin(url, CONNECT_TIMEOUT_MS);
    this.#dialer = dialer;
    this.#boss = new PgBoss({
      ...driverOptions,
      ...login,
      warningQueueSize: WARNING_QUEUE_SIZE,
      max: CONNECTIONS_MAX,
      superviseIntervalSeconds: SUPERVISE_S,
      monitorIntervalSeconds: SUPERVISE_S,
      maintenanceIntervalSeconds: MAINTENANCE_S,
      clock: MONOTONIC_CLOCK,
      schedule: false,
      registerInstance: false,
      openTelemetry: { enabled: false },
    });
    this.#boss.on("error", (error) => this.#logFailure("error", "bus error", error));
    this.#boss.on("warning", ({ message }) => this.#logFailure("warn", message));
  }

  ensureTopic(topic: Topic): Promise<void> {
    return this.#calls.ensureTopic(topic);
  }

  async publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#calls.publish(topic, {
      messages,
      countMax: INSERT_BATCH_MAX,
      charactersMax: INSERT_CHARACTERS_MAX,
      send: (part) => this.#insert(topic, part),
      refusalOf: postgresRefusal,
    });
    for (const group of topic.groups) this.#notify(queueName(topic, group));
  }

  async #insert(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    // Ids ascend with the list: pg-boss orders the jobs of one statement by id.
    const jobs = messages.map((message) => toJob(message, uuidV7()));
    for (const group of topic.groups) {
      const queue = queueName(topic, group);
      // pg-boss orders the jobs of a key by creation time: waiting jobs must not be in the future.
      await followClockBack(this.#boss, queue);
      await this.#boss.insert(queue, jobs);
    }
  }

  /** Wakes subscribers; one that misses the notification finds the jobs at its next poll. */
  #notify(queue: string): void {
    this.#boss.getDb().executeSql("select pg_notify($1, $2)", [CHANNEL, queue])
      .catch((error: unknown) => this.#logFailure("warn", "Cannot notify subscribers", error));
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { topic, group } = options;
    return await this.#calls.run(topic, `subscribe ${group} to ${topic.name}`, async () => {
      await this.#listen();
      const subscription = new PostgresSubscription({
        ...options,
        boss: this.#boss,
        log: this.#log,
        clock: this.#clock,
        watch: this.#watch,
      });
      this.#subscriptions.add(subscription);
      return subscription;
    });
  }

  /** The last count of pg-boss's upkeep; counting takes time in proportion to the waiting jobs. */
  async lag(topic: Topic, group: string): Promise<number> {
    return await this.#calls.run(topic, `read the lag of ${group}`, async () => {
      const queue = await this.#boss.getQueue(queueName(topic, group));
      return (queue?.queuedCount ?? 0) + (queue?.activeCount ?? 0);
    });
  }

  async readDeadLetterQueue(topic: Topic, max: number): Promise<readonly DeadLetter[]> {
    return await this.#calls.run(topic, `read ${topic.deadLetterQueue}`, async () => {
      const jobs = await this.#boss.findJobs<DeadLetterData>(topic.deadLetterQueue, { limit: max });
      return jobs.map(({ data }) => data);
    });
  }

  async replayDeadLetterQueue(topic: Topic, max: number): Promise<number> {
    return await this.#calls.run(topic, `replay ${topic.deadLetterQueue}`, async () => {
      const jobs = await this.#boss.findJobs<DeadLetterData>(topic.deadLetterQueue, { limit: max });
      if (jobs.length === 0) return 0;
      await this.#insert(topic, jobs.map(({ data }) => data));
      await this.#boss.deleteJob(topic.deadLetterQueue, jobs.map(({ id }) => id));
      for (const group of topic.groups) this.#notify(queueName(topic, group));
      return jobs.length;
    });
  }

  async close(): Promise<void> {
    if (!this.#calls.close()) return;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.close();
    // A start in progress would continue after the stop.
    await this.#started?.catch(() => {});
    await this.#boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
    this.#dialer.close();
  }

  /** Starts pg-boss, which creates its schema if missing. The next call retries a failed start. */
  #start(): Promise<unknown> {
    this.#started ??= this.#startBoss().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async #startBoss(): Promise<void> {
    await assertOwnSession(this.#url);
    await this.#boss.start();
  }

  async #createQueues(topic: Topic): Promise<void> {
    await this.#start();
    await createQueues(this.#boss, topic);
  }

  #listen(): Promise<unknown> {
    const wakeAll = () => {
      for (const subscription of this.#subscriptions) subscription.wake();
    };
    const wake = (queue: string) => {
      for (const subscription of this.#subscriptions) {
        if (subscription.queue === queue) subscription.wake();
      }
    };
    this.#listening ??= Promise.resolve(this.#boss.getDb().listen?.(CHANNEL, wake, wakeAll))
      .catch((error: unknown) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }
}

/** SQLSTATEs for the text of a message: U+0000, half a surrogate pair, too large for jsonb. */
const REFUSALS = ["22P02", "22P05", "54000"];

/** Why the database rejects a message permanently; undefined when a retry may help. */
export function postgresRefusal(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return REFUSALS.includes(String(code)) ? String(message) : undefined;
}
