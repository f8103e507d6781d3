import { PgBoss } from "pg-boss";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Dialer } from "../postgres/dialer.ts";
import type { Logger } from "../telemetry/log.ts";
import { uuidV7Source } from "../uuid-v7.ts";
import { BusCalls } from "./bus-calls.ts";
import type {
  Bus,
  DeadLetter,
  OutgoingMessage,
  SubscribeOptions,
  Subscription,
  Topic,
} from "./bus.ts";
import { dialedLogin } from "./postgres-login.ts";
import { assertOwnSession } from "./postgres-login.ts";
import { followClockBack, MONOTONIC_CLOCK } from "./postgres-clock.ts";
import { createQueues, type DeadLetterData, queueName, toJob } from "./postgres-queues.ts";
import { PostgresSubscription } from "./postgres-subscription.ts";
import { type SeldomLog, seldomLog } from "./seldom-log.ts";
import { sendInParts } from "./send-in-parts.ts";
import type { WatchLimits } from "./watchdog.ts";

/** Jobs a statement; measured best between 200 and 1000. */
const INSERT_BATCH_MAX = 500;
/** Characters a statement, so that large messages bound its memory. */
const INSERT_CHARACTERS_MAX = 1 << 20;
/** Fetch, acknowledge, heartbeat, publish and upkeep at once; listening has a connection beside. */
const CONNECTIONS_MAX = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that does not answer must not hold the relay for ever; making the schema takes 1–3 s. */
const QUERY_TIMEOUT_MS = 15_000;
/** How often lapsed heartbeats are looked for, in seconds; the least that pg-boss takes. */
const SUPERVISE_S = 1;
/** How often the queues are swept for what is past its retention (nothing is), in seconds. */
const MAINTENANCE_S = 60 * 60;
/** For pg-boss's own work under way at the end, in ms; handlers are finished before. */
const STOP_TIMEOUT_MS = 3_000;
/**
 * A queue is empty at one moment and long at the next, and statistics lag behind: pg-boss's fetch as
 * nested loops then takes seconds (10 000 waiting: 650/s, without them 19 000/s).
 */
const PLANNER = "set enable_nestloop = off";
/**
 * Queues wait for no replica, so that its loss stops nothing here. Nothing is lost with the primary
 * all the same: the outbox marks an event as published by a later commit, so a replica that is promoted
 * with that mark has the message, too, if both databases are on one server.
 */
const COMMITS = "set synchronous_commit = local";
/** With nested loops off a plan that has one costs 10^10, and would be compiled at every call. */
const COMPILATION = "set jit = off";
/** pg-boss rests on it, whatever the server's own default is. */
const ISOLATION = "set default_transaction_isolation = 'read committed'";
/** Out of reach: the relay's backlog is what tells that messages pile up. */
const WARNING_QUEUE_SIZE = 2_147_483_647;
/** Publishers say here which queue has news. A name of our own: pg-boss derives its from internals. */
const NEWS_CHANNEL = "marketplace_bus";

export interface PostgresBusOptions {
  readonly url: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly watch?: WatchLimits;
}

/**
 * A bus in a PostgreSQL database of its own, by pg-boss. It connects when it is first used, and
 * again after every failure.
 */
export function createPostgresBus(options: PostgresBusOptions): Bus {
  return new PostgresBus(options);
}

class PostgresBus implements Bus {
  readonly #url: string;
  readonly #boss: PgBoss;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #logFailure: SeldomLog;
  readonly #nextId: () => string;
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
    this.#logFailure = seldomLog(log, clock);
    this.#nextId = uuidV7Source(clock);
    // `pg` takes it; pg-boss passes it on without naming it in its own options.
    const driverOptions = {
      query_timeout: QUERY_TIMEOUT_MS,
      // Not as startup parameters, which a pooler refuses.
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
    this.#boss.on("error", (error) => this.#logFailure("error", "the bus has a problem", error));
    this.#boss.on("warning", ({ message }) => this.#logFailure("warn", message));
  }

  ensureTopic(topic: Topic): Promise<void> {
    return this.#calls.reach(`make ${topic.name} ready`, () => this.#calls.ensure(topic));
  }

  async publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#calls.reach(`publish ${messages.length} messages to ${topic.name}`, async () => {
      await this.#calls.ensure(topic);
      await sendInParts({
        messages,
        countMax: INSERT_BATCH_MAX,
        charactersMax: INSERT_CHARACTERS_MAX,
        send: (part) => this.#insert(topic, part),
        refusalOf: postgresRefusal,
      });
      for (const group of topic.groups) this.#tellOfNews(queueName(topic, group));
    });
  }

  async #insert(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    // Ids ascend with the list: pg-boss orders jobs that one statement inserted by their ids.
    const jobs = messages.map((message) => toJob(message, this.#nextId()));
    for (const group of topic.groups) {
      const queue = queueName(topic, group);
      // pg-boss orders the jobs of a key by when they came: what waits must not be of the future.
      await followClockBack(this.#boss, queue);
      await this.#boss.insert(queue, jobs);
    }
  }

  /** Only a hint: whoever misses it finds the jobs at its next poll. */
  #tellOfNews(queue: string): void {
    this.#boss.getDb().executeSql("select pg_notify($1, $2)", [NEWS_CHANNEL, queue])
      .catch((error: unknown) => this.#logFailure("warn", "Cannot tell of news", error));
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { topic, group } = options;
    return await this.#calls.reach(`subscribe ${group} to ${topic.name}`, async () => {
      await this.#calls.ensure(topic);
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

  /** As pg-boss counted last, at its upkeep: counting takes as long as all that waits. */
  async lag(topic: Topic, group: string): Promise<number> {
    return await this.#calls.reach(`count what waits for ${group}`, async () => {
      await this.#calls.ensure(topic);
      const queue = await this.#boss.getQueue(queueName(topic, group));
      return (queue?.queuedCount ?? 0) + (queue?.activeCount ?? 0);
    });
  }

  async readDeadLetterQueue(topic: Topic, max: number): Promise<readonly DeadLetter[]> {
    return await this.#calls.reach(`read ${topic.deadLetterQueue}`, async () => {
      await this.#calls.ensure(topic);
      const jobs = await this.#boss.findJobs<DeadLetterData>(topic.deadLetterQueue, { limit: max });
      return jobs.map(({ data }) => data);
    });
  }

  async replayDeadLetterQueue(topic: Topic, max: number): Promise<number> {
    return await this.#calls.reach(`put back what is in ${topic.deadLetterQueue}`, async () => {
      await this.#calls.ensure(topic);
      const jobs = await this.#boss.findJobs<DeadLetterData>(topic.deadLetterQueue, { limit: max });
      if (jobs.length === 0) return 0;
      await this.#insert(topic, jobs.map(({ data }) => data));
      await this.#boss.deleteJob(topic.deadLetterQueue, jobs.map(({ id }) => id));
      for (const group of topic.groups) this.#tellOfNews(queueName(topic, group));
      return jobs.length;
    });
  }

  async close(): Promise<void> {
    if (!this.#calls.close()) return;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.close();
    // A start under way would go on behind the stop.
    await this.#started?.catch(() => {});
    await this.#boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
    this.#dialer.close();
  }

  /** Starts pg-boss, which creates its schema where there is none. A failure is tried again. */
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
    this.#listening ??= Promise.resolve(this.#boss.getDb().listen?.(NEWS_CHANNEL, wake, wakeAll))
      .catch((error: unknown) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }
}

/** SQLSTATEs about the text of a message: U+0000, half a surrogate pair, more than jsonb holds. */
const REFUSALS = ["22P02", "22P05", "54000"];

/** Why the database refuses a message for good; undefined when another try may help. */
export function postgresRefusal(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return REFUSALS.includes(String(code)) ? String(message) : undefined;
}
