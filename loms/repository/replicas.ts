import { Loop } from "../../shared/async/loop.ts";
import { type Clock, type RequestContext, sleep } from "../../shared/async/request-context.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import type { ListedReplicas, Replica, SyncStates } from "./listed-replicas.ts";
import { REPLICA_STATE } from "./statements.ts";

// A replica is healthy if it is synchronous for the primary, and has replayed what the primary had
// written by the end of that query. In this order, earlier acknowledged writes are on the replica,
// and later ones wait for it. While the primary does not answer, new writes are soon not
// acknowledged: a healthy replica stays healthy as long as it answers, unless the primary's answer
// has a lease, because another server may have become the primary.

/** The probes of commits bring states every 500 ms; without them these probes query. */
const PROBE_INTERVAL_MS = 600;
/** Timeout of each query of a probe. */
const PROBE_TIMEOUT_MS = 400;
/** Under load the newest writes take some ms to arrive; a replica that lags fails every try. */
const CATCH_UP_TRIES = 5;
const CATCH_UP_PAUSE_MS = 40;

export interface ReplicasOptions {
  readonly members: readonly Replica[];
  readonly listed: Pick<ListedReplicas, "query">;
  readonly clock: Clock;
  /** How long an answer of the primary is valid after its query was sent, in ms. */
  readonly leaseMs: number;
  /** Called at each change. */
  readonly onHealth: (member: Replica, healthy: boolean) => void;
}

/** Tracks which replicas may serve reads. None is healthy before the first step. */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #loop: Loop;
  #healthy: readonly Replica[] = [];
  #leaseEndsAt = -Infinity;
  #queriedAt = -Infinity;
  /** The states for the next step. */
  #states: SyncStates | undefined;
  #turn = 0;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#loop = new Loop({
      clock: options.clock,
      step: async () => {
        await this.step();
        return PROBE_INTERVAL_MS;
      },
      onError: () => {},
      backoffMs: PROBE_INTERVAL_MS,
    });
  }

  get healthy(): readonly Replica[] {
    return this.#healthy;
  }

  start(): void {
    this.#loop.start();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  /** Probes at once, with states that have just been queried. */
  take(states: SyncStates): void {
    if (states.queriedAt < this.#queriedAt) return;
    this.#states = states;
    this.#loop.wake();
  }

  /** The next healthy replica in rotation; undefined while there is none. */
  next(): Replica | undefined {
    if (this.#options.clock.now() >= this.#leaseEndsAt) return undefined;
    this.#turn = (this.#turn + 1) % Math.max(1, this.#healthy.length);
    return this.#healthy[this.#turn];
  }

  /** Marks a replica unhealthy after a failed read, until a whole probe succeeds. */
  fail(member: Replica): void {
    if (!this.#healthy.includes(member)) return;
    this.#healthy = this.#healthy.filter((other) => other !== member);
    this.#options.onHealth(member, false);
  }

  /** Probes all replicas once; never rejects. */
  async step(): Promise<void> {
    const { members, leaseMs, listed, onHealth } = this.#options;
    const given = this.#states;
    this.#states = undefined;
    const answer = given ?? await listed.query().catch(() => undefined);
    if (answer) this.#queriedAt = answer.queriedAt;
    const before = this.#healthy;
    const verdicts = await Promise.all(
      members.map((member) => this.#isHealthy(member, answer, before.includes(member))),
    );
    // A replica that failed a read meanwhile must pass a whole probe first.
    const failed = before.filter((member) => !this.#healthy.includes(member));
    this.#healthy = members.filter((member, index) => verdicts[index] && !failed.includes(member));
    if (answer) this.#leaseEndsAt = answer.queriedAt + leaseMs;
    for (const member of members) {
      const [was, is] = [before.includes(member), this.#healthy.includes(member)];
      if (was !== is && !failed.includes(member)) onHealth(member, is);
    }
  }

  async #isHealthy(
    member: Replica,
    answer: SyncStates | undefined,
    was: boolean,
  ): Promise<boolean> {
    try {
      if (answer) {
        return answer.synchronous.has(member.pool) && await this.#catchesUp(member, answer);
      }
      return was && await this.#follows(member);
    } catch {
      // The replica does not answer.
      return false;
    }
  }

  async #follows({ pool }: Replica): Promise<boolean> {
    const [state] = await pool.run(REPLICA_STATE, [""], this.#context());
    return state?.in_recovery ?? false;
  }

  async #catchesUp({ pool }: Replica, { position = "" }: SyncStates): Promise<boolean> {
    for (let tries = 1; tries <= CATCH_UP_TRIES; tries++) {
      const [state] = await pool.run(REPLICA_STATE, [position], this.#context());
      if (!state?.in_recovery || !state.streaming) return false;
      if (state.caught_up) return true;
      await sleep(this.#options.clock, CATCH_UP_PAUSE_MS);
    }
    return false;
  }

  #context(): RequestContext {
    return backgroundContext(PROBE_TIMEOUT_MS, this.#options.clock);
  }
}
