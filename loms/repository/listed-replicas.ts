import type { Clock, RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import {
  type Sender,
  type StandbyIdentity,
  standbyIdentity,
  syncStateOf,
} from "./standby-identity.ts";
import { RECEIVER, SENDERS } from "./statements.ts";

/** Timeout of each query. */
const QUERY_TIMEOUT_MS = 400;
/** Timeout of the first query to each replica, which opens a connection. */
const FIRST_QUERY_TIMEOUT_MS = 3_000;

/** A replica of DATABASE_REPLICA_URLS, with a name for logs. */
export interface Replica {
  readonly name: string;
  readonly pool: Pool;
}

export interface ListedReplicasOptions {
  readonly primary: Pool;
  readonly members: readonly Replica[];
  readonly clock: Clock;
}

/** The current states of the listed replicas, from the primary. */
export interface SyncStates {
  /** When they were queried, by the clock. */
  readonly queriedAt: number;
  /** The pools of the replicas that each acknowledged commit waits for. */
  readonly synchronous: ReadonlySet<Pool>;
  /** The reason why none is synchronous, as text; undefined if one is, or none is listed. */
  readonly problem: string | undefined;
  /** What commits wait for, as text; undefined if no replica is listed. */
  readonly standbys: string | undefined;
  /** The end of the primary's log after that, if it is a primary. */
  readonly position: string | undefined;
}

/** Queries the primary for the listed replicas that are synchronous. */
export class ListedReplicas {
  readonly #options: ListedReplicasOptions;
  /**
   * The last known identities: a replica that does not answer loms may still follow its primary.
   */
  readonly #identities = new Map<Replica, StandbyIdentity>();

  constructor(options: ListedReplicasOptions) {
    this.#options = options;
  }

  /** Queries each replica for its identity, with a long timeout; never rejects. */
  async open(): Promise<void> {
    const { members } = this.#options;
    await Promise.all(members.map((member) => this.#identify(member, FIRST_QUERY_TIMEOUT_MS)));
  }

  /**
   * Queries the states once.
   * @throws {AppError} if the primary does not answer
   */
  async query(): Promise<SyncStates> {
    const { primary, members, clock } = this.#options;
    const queriedAt = clock.now();
    if (members.length === 0) {
      const none = { problem: undefined, standbys: undefined, position: undefined };
      return { queriedAt, synchronous: new Set(), ...none };
    }
    await Promise.all(members.map((member) => this.#identify(member, QUERY_TIMEOUT_MS)));
    const rows = await primary.run(SENDERS, [], this.#context(QUERY_TIMEOUT_MS));
    const standbys = rows[0]?.standbys;
    const position = rows[0]?.position ?? undefined;
    if (rows[0]?.may_see === false) {
      const problem = "loms may not see which replicas are synchronous: " +
        `GRANT pg_read_all_stats TO ${rows[0].account}`;
      return { queriedAt, synchronous: new Set(), problem, standbys, position };
    }
    const states = members.map((member) => ({ member, state: this.#stateOf(member, rows) }));
    const synchronous = states.filter(({ state }) => state === "sync");
    return {
      queriedAt,
      synchronous: new Set(synchronous.map(({ member }) => member.pool)),
      problem: synchronous.length > 0
        ? undefined
        : `no listed replica is synchronous (${
          states.map(({ member, state }) => `${member.name}: ${state}`).join(", ")
        })`,
      standbys,
      position,
    };
  }

  #stateOf(member: Replica, senders: readonly Sender[]): string {
    const identity = this.#identities.get(member);
    if (!identity) return "never answered";
    const sharers = [...this.#identities.values()]
      .filter(({ by, name }) => by === identity.by && name === identity.name).length;
    return syncStateOf(identity, senders, sharers);
  }

  async #identify(member: Replica, timeoutMs: number): Promise<void> {
    try {
      const [row] = await member.pool.run(RECEIVER, [], this.#context(timeoutMs));
      const identity = row && standbyIdentity(row.slot_name, row.conninfo);
      if (identity) this.#identities.set(member, identity);
    } catch {
      // The replica keeps its last identity.
    }
  }

  #context(timeoutMs: number): RequestContext {
    return backgroundContext(timeoutMs, this.#options.clock);
  }
}
