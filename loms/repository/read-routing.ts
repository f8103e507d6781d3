import type { Clock } from "../../shared/async/clock.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { isConnectionError } from "../../shared/postgres/database-error.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { ListedReplicas, Replica } from "./listed-replicas.ts";
import { Replicas } from "./replicas.ts";

/** A replica that does not answer leaves time for the primary. */
export const REPLICA_READ_TIMEOUT_MS = 500;

export interface ReadRoutingOptions {
  readonly primary: Pool;
  /** Each with a name for the logs; none when every read goes to the primary. */
  readonly replicas: readonly Replica[];
  readonly listed: Pick<ListedReplicas, "look">;
  readonly clock: Clock;
  /** See {@link Replicas}; without it, an answer of the primary is good until the next one. */
  readonly leaseMs?: number;
  readonly onHealth: (replica: Replica, healthy: boolean) => void;
  /** Whether a healthy replica has every acknowledged write; while not, reads go to the primary. */
  readonly areCurrent?: () => boolean;
}

/** Sends a read to a server. */
export type Read<Reads> = <Result>(
  send: (reads: Reads) => Promise<Result>,
  context: RequestContext,
) => Promise<Result>;

/**
 * Reads from the healthy replicas in turn, and from the primary while there is none. A read that
 * fails on a replica is repeated on the primary within the same deadline.
 */
export class ReadRouting {
  readonly replicas: Replicas<Replica>;
  readonly #options: ReadRoutingOptions;

  constructor(options: ReadRoutingOptions) {
    const { primary, replicas: members, listed, clock, leaseMs = Infinity, onHealth } = options;
    this.#options = options;
    this.replicas = new Replicas({ primary, members, listed, clock, leaseMs, onHealth });
  }

  /** `open` makes the reads on one server, within the deadline of the context, or `timeoutMs`. */
  over<Reads>(open: (pool: Pool, timeoutMs: number) => Reads): Read<Reads> {
    const { primary, replicas: members, areCurrent = () => true } = this.#options;
    const { replicas } = this;
    const primaryReads = open(primary, Infinity);
    const replicaReads = new Map(
      members.map((member) => [member, open(member.pool, REPLICA_READ_TIMEOUT_MS)]),
    );
    return async (send, context) => {
      const replica = areCurrent() ? replicas.next() : undefined;
      const reads = replica && replicaReads.get(replica);
      if (!replica || !reads) return await send(primaryReads);
      try {
        return await send(reads);
      } catch (error) {
        if (!(error instanceof AppError) || context.remainingMs() === 0) throw error;
        if (isConnectionError(error) || error.code === "deadline_exceeded") replicas.fail(replica);
        return await send(primaryReads);
      }
    };
  }
}
