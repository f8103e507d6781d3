import { type Clock, RequestContext } from "../../shared/async/request-context.ts";
import { retry } from "../../shared/async/retry.ts";
import { AppError } from "../../shared/errors.ts";
import { isConflict } from "../../shared/postgres/database-error.ts";
import type {
  Durability,
  DurableRunner,
  StatementRunner,
} from "../../shared/postgres/statement.ts";
import { SYNC_STANDBYS } from "./statements.ts";

// If `synchronous_standby_names` is emptied, every wait for a replica ends, and the commits that
// waited look like any other. If it names another standby, or the primary is another server, a
// commit may have waited for a replica that does not serve reads yet. Each session has the new
// value before a wait ends. So each commit is followed by a query for what commits wait for, which
// must equal the result of the last confirmed probe.

/**
 * Timeout of the query, which reads statistics. A late one could miss that the setting was emptied
 * and restored.
 */
const STANDBYS_TIMEOUT_MS = 1_000;
/** The Retry-After of a refused write: about the time to detect that a replica is back. */
export const RETRY_AFTER_MS = 1_000;
/** Attempts after a conflict: our functions lock in one order, so conflicts come from outside. */
const CONFLICT_RETRIES = {
  retriesMax: 4,
  backoffMs: 5,
  backoffMaxMs: 100,
  random: Math.random,
  advise: (error: unknown) => isConflict(error) ? {} : undefined,
};

/** How writes are committed, as decided by `Replication`. */
export type Admission =
  /** Commits wait for the replicas. */
  | { readonly kind: "synchronous" }
  /** Commits end without a listed replica; "local" ones wait for no replica. */
  | { readonly kind: "degraded"; readonly durability: Durability }
  | { readonly kind: "refused"; readonly refusal: (what: string) => AppError };

export interface ReplicatedWritesOptions {
  /** A pool of the primary, for commits that wait for the replicas. */
  readonly synchronous: StatementRunner;
  /** A pool of the primary, for other commits: waiting commits take none of its connections. */
  readonly local: StatementRunner;
  /** Reads which standbys the primary waits for; undefined if no replica is listed. */
  readonly standbys: StatementRunner | undefined;
  readonly clock: Clock;
}

/**
 * Runs the writes on the primary that answer a caller. When it resolves, the write is on every
 * synchronous replica, unless replication is degraded. A write that was rolled back because of a
 * conflict is repeated. Throws what {@link Pool.run} throws, and AppError `unavailable` while no
 * listed replica is synchronous.
 */
export class ReplicatedWrites implements DurableRunner {
  readonly #options: ReplicatedWritesOptions;
  readonly #waiting = new Set<(error: AppError) => void>();
  #localWrites = 0;
  /** The next query of the standbys, not sent yet, and the last one that was sent. */
  #nextStandbys: Promise<string> | undefined;
  #lastStandbys: Promise<unknown> | undefined;

  admission: Admission = { kind: "synchronous" };
  /** What commits wait for, from the last confirmed probe. */
  seenStandbys: string | undefined;
  /** Called when a commit ended and the primary then waits for something else. */
  onOtherStandbys: () => void = () => {};

  constructor(options: ReplicatedWritesOptions) {
    this.#options = options;
  }

  /** The number of local writes in progress. */
  get localWrites(): number {
    return this.#localWrites;
  }

  /** Rejects the writes that wait for the replicas: their outcome is unknown. */
  rejectWaiting(error: AppError): void {
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  readonly run: DurableRunner["run"] = async (statement, parameters, context, reportWrites) => {
    const attempt = () => this.#attempt(statement, parameters, context, reportWrites);
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error)) throw error;
      return await retry(attempt, { ...CONFLICT_RETRIES, clock: context.clock }, context);
    }
  };

  readonly #attempt: DurableRunner["run"] = async (
    statement,
    parameters,
    context,
    reportWrites = () => true,
  ) => {
    const { admission } = this;
    if (admission.kind === "refused") throw admission.refusal(`${statement.name} is refused`);
    const { synchronous, local } = this.#options;
    const durability = admission.kind === "degraded" ? admission.durability : "remote_apply";
    // It fits the statement, which TypeScript cannot infer.
    const all = [...(parameters as readonly unknown[]), durability] as never;
    if (durability === "local") {
      this.#localWrites++;
      try {
        return await local.run(statement, all, context);
      } finally {
        this.#localWrites--;
      }
    }
    return await new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      // A write that still waits for a connection when it is rejected is not sent.
      synchronous.run(statement, all, context, { isWanted: () => this.#waiting.has(reject) })
        .then(async (rows) => {
          if (reportWrites(rows)) await this.#assertReplicated(statement.name, context);
          return rows;
        })
        .finally(() => this.#waiting.delete(reject))
        .then(resolve, reject);
    });
  };

  /** A degraded write may end with any standbys, because it promises no replica. */
  async #assertReplicated(name: string, { traceparent }: RequestContext): Promise<void> {
    const { standbys: pool } = this.#options;
    if (!pool) return;
    const standbys = await (this.#nextStandbys ??= this.#readStandbys(pool, traceparent));
    if (this.admission.kind === "degraded" || standbys === this.seenStandbys) return;
    this.onOtherStandbys();
    throw new AppError(
      "unavailable",
      `the outcome of ${name} is unknown: what commits wait for has changed to ${standbys}`,
      { retryAfterMs: RETRY_AFTER_MS },
    );
  }

  /** Writes that end during one query share the next one. */
  async #readStandbys(pool: StatementRunner, traceparent: string): Promise<string> {
    await this.#lastStandbys;
    this.#nextStandbys = undefined;
    const { clock } = this.#options;
    const context = new RequestContext({
      traceparent,
      timeoutMs: STANDBYS_TIMEOUT_MS,
      clock,
    });
    const query = pool.run(SYNC_STANDBYS, [], context);
    this.#lastStandbys = query.catch(() => {});
    return (await query)[0]?.standbys ?? "";
  }
}
