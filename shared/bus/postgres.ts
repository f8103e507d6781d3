import { PgBoss } from "pg-boss";
import { v7 as uuidV7 } from "uuid";
import { systemClock } from "../async/request-context.ts";
import type { Dialer } from "../postgres/dialer.ts";
import type { Logger } from "../telemetry/log.ts";
import { type ThrottledLog, throttledLog } from "../telemetry/throttled-log.ts";
import { BaseBus } from "./base-bus.ts";
import type { DeadLetter, OutgoingMessage, SubscribeOptions, Topic } from "./bus.ts";
import { followClockBack, MONOTONIC_CLOCK } from "./postgres-clock.ts";
import { assertOwnSession, dialedLogin } from "./postgres-login.ts";
import { createQueues, queueName, toJob } from "./postgres-queues.ts";
import { PostgresSubscription } from "./postgres-subscription.ts";
import { type Connection, preparePublish } from "./prepare-publish.ts";
import type { WatchLimits } from "./watchdog.ts";

/** Jobs in one statement; fastest between 200 and 1000 in measurements. */
const INSERT_BATCH_MAX = 500;
/** Characters in one statement, which bounds its memory. */
const INSERT_CHARACTERS_MAX = 1 << 20;
/** For fetch, acknowledge, heartbeat, publish and maintenance; LISTEN has another connection. */
const CONNECTIONS_MAX = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** So that a server that hangs does not block the relay; creating the schema takes 1–3 s. */
const QUERY_TIMEOUT_MS = 15_000;
/**
 * Interval of pg-boss checks for missed heartbeats, in seconds; its minimum. A subscription that
 * detects a silent member triggers a check; pg-boss's own timer fires once a minute.
 */
const MONITOR_S = 1;
/** Interval of pg-boss maintenance that this system does not need, in seconds. */
const MAINTENANCE_S = 60 * 60;
/** How long close() waits for pg-boss's own work, in ms; by then handlers have ended. */
const STOP_TIMEOUT_MS = 3_000;
/**
 * Statistics of a queue lag behind its length. With nested loops, pg-boss's fetch then takes
 * seconds (10,000 waiting jobs: 650/s, without nested loops 19,000/s).
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
  readonly watch?: WatchLimits;
}

/**
 * A bus in a separate PostgreSQL database, through pg-boss. It connects on first use, and again
 * after every failure.
 */
export class PostgresBus extends BaseBus<PostgresSubscription> {
  readonly #options: PostgresBusOptions;
  readonly #boss: PgBoss;
  readonly #dialer: Dialer;
  readonly #logFailure: ThrottledLog;
  #started: Promise<void> | undefined;
  #listening: Promise<{ close(): Promise<void> } | undefined> | undefined;

  constructor(options: PostgresBusOptions) {
    super();
    this.#options = options;
    this.#logFailure = throttledLog(options.log, systemClock);
    // Options of `pg`, which pg-boss passes through without declaring them.
    const driverOptions = {
      query_timeout: QUERY_TIMEOUT_MS,
      // Not as startup parameters, which a pooler rejects.
      onConnect(client: Connection) {
        preparePublish(client);
        return client.query([PLANNER, COMMITS, COMPILATION, ISOLATION].join("; "));
      },
    };
    const { dialer, login } = dialedLogin(options.url, CONNECT_TIMEOUT_MS);
    this.#dialer = dialer;
    this.#boss = new PgBoss({
      ...driverOptions,
      ...login,
      warningQueueSize: WARNING_QUEUE_SIZE,
      max: CONNECTIONS_MAX,
      monitorIntervalSeconds: MONITOR_S,
      maintenanceIntervalSeconds: MAINTENANCE_S,
      flowIntervalSeconds: MAINTENANCE_S,
      clock: MONOTONIC_CLOCK,
      schedule: false,
      registerInstance: false,
      openTelemetry: { enabled: false },
    });
    this.#boss.on("error", (error) => this.#logFailure("error", "bus error", error));
    this.#boss.on("warning", ({ message }) => this.#logFailure("warn", message));
  }

  protected override async createTopic(topic: Topic): Promise<void> {
    // It creates its schema if missing.
    this.#started ??= assertOwnSession(this.#options.url).then(() => this.#boss.start())
      .then(() => {}, (error: unknown) => {
        this.#started = undefined;
        throw error;
      });
    await this.#started;
    await createQueues(this.#boss, topic);
  }

  protected override sending(topic: Topic) {
    return {
      countMax: INSERT_BATCH_MAX,
      charactersMax: INSERT_CHARACTERS_MAX,
      send: (part: readonly OutgoingMessage[]) => this.#insert(topic, part),
      refusalOf: postgresRefusal,
    };
  }

  async #insert(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    // Ids ascend with the list, because pg-boss orders the jobs of one statement by id.
    const jobs = messages.map((message) => toJob(message, uuidV7()));
    const queues = topic.groups.map((group) => queueName(topic, group));
    for (const queue of queues) {
      // pg-boss orders the jobs of a key by creation time: waiting jobs must not be in the future.
      await followClockBack(this.#boss, queue);
      await this.#boss.insert(queue, jobs);
    }
    // Wakes subscribers; one that misses the notification finds the jobs at its next poll.
    for (const queue of queues) {
      this.#boss.getDb().executeSql("select pg_notify($1, $2)", [CHANNEL, queue])
        .catch((error: unknown) => this.#logFailure("warn", "Cannot notify subscribers", error));
    }
  }

  protected override async join(options: SubscribeOptions): Promise<PostgresSubscription> {
    await this.#listen();
    const subscription = new PostgresSubscription({
      ...this.#options,
      ...options,
      boss: this.#boss,
    });
    this.subscriptions.add(subscription);
    return subscription;
  }

  /** Takes time in proportion to the waiting jobs; acknowledged ones are removed. */
  protected override async readLag(topic: Topic, group: string): Promise<number> {
    const count = "select count(*)::int as jobs from pgboss.job where name = $1";
    const { rows } = await this.#boss.getDb().executeSql(count, [queueName(topic, group)]);
    return (rows[0] as { readonly jobs: number }).jobs;
  }

  protected override async readDeadLetters({ deadLetterQueue }: Topic, max: number) {
    const jobs = await this.#boss.findJobs<DeadLetter>(deadLetterQueue, { limit: max });
    return jobs.map(({ data }) => data);
  }

  protected override async replayDeadLetters(topic: Topic, max: number): Promise<number> {
    const { deadLetterQueue } = topic;
    const jobs = await this.#boss.findJobs<DeadLetter>(deadLetterQueue, { limit: max });
    if (jobs.length === 0) return 0;
    await this.#insert(topic, jobs.map(({ data }) => data));
    await this.#boss.deleteJob(deadLetterQueue, jobs.map(({ id }) => id));
    return jobs.length;
  }

  protected override async disconnect(): Promise<void> {
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.close();
    // A start in progress would continue after the stop.
    await this.#started?.catch(() => {});
    await this.#boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
    this.#dialer.close();
  }

  #listen(): Promise<unknown> {
    const wake = (queue?: string) => {
      for (const each of this.subscriptions) {
        if (queue === undefined || each.queue === queue) each.wake();
      }
    };
    this.#listening ??= Promise.resolve(this.#boss.getDb().listen?.(CHANNEL, wake, () => wake()))
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
function postgresRefusal(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return REFUSALS.includes(String(code)) ? String(message) : undefined;
}
