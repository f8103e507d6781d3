import type { Clock, RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { isConnectionError } from "../../shared/postgres/database-error.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import type { ListedReplicas, Replica } from "./listed-replicas.ts";
import { Replicas } from "./replicas.ts";

/** Timeout on a replica; it leaves time for the primary. */
export const REPLICA_READ_TIMEOUT_MS = 500;

export interface ReadRoutingOptions {
  readonly primary: Pool;
  /** Each with a name for logs; empty if every read goes to the primary. */
  readonly replicas: readonly Replica[];
  readonly listed: Pick<ListedReplicas, "query">;
  readonly clock: Clock;
  /** See {@link Replicas}; undefined: an answer of the primary is valid until the next one. */
  readonly leaseMs?: number;
  readonly onHealth: (replica: Replica, healthy: boolean) => void;
  /** Whether a healthy replica has every acknowledged write; if not, reads go to the primary. */
  readonly areCurrent?: () => boolean;
}

/** Sends reads to a server. */
export interface Reads {
  /** Calls `send` once or twice, with the statements of one server. */
  read<Result>(
    send: (server: StatementRunner) => Promise<Result>,
    context: RequestContext,
  ): Promise<Result>;
}

/**
 * Sends reads to the healthy replicas in rotation, or to the primary if there is none. A read that
 * fails on a replica is repeated on the primary within the same deadline.
 */
export class ReadRouting implements Reads, StatementRunner {
  readonly replicas: Replicas;
  readonly #options: ReadRoutingOptions;

  constructor(options: ReadRoutingOptions) {
    const { replicas: members, listed, clock, leaseMs = Infinity, onHealth } = options;
    this.#options = options;
    this.replicas = new Replicas({ members, listed, clock, leaseMs, onHealth });
  }

  readonly run: StatementRunner["run"] = (statement, parameters, context) =>
    this.read((server) => server.run(statement, parameters, context), context);

  async read<Result>(
    send: (server: StatementRunner) => Promise<Result>,
    context: RequestContext,
  ): Promise<Result> {
    const { primary, areCurrent = () => true } = this.#options;
    const replica = areCurrent() ? this.replicas.next() : undefined;
    if (!replica) return await send(primary);
    const { pool } = replica;
    try {
      return await send({
        run: (statement, parameters, of) =>
          pool.run(statement, parameters, of, { timeoutMs: REPLICA_READ_TIMEOUT_MS }),
      });
    } catch (error) {
      if (!(error instanceof AppError) || context.remainingMs() === 0) throw error;
      if (isConnectionError(error) || error.code === "deadline_exceeded") {
        this.replicas.fail(replica);
      }
      return await send(primary);
    }
  }
}
