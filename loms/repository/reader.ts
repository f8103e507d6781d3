import type { Clock } from "../../shared/async/clock.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { isConnectionError } from "../../shared/postgres/database-error.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { OrderReader } from "../domain/deps.ts";
import type { ListedReplicas, Replica } from "./listed-replicas.ts";
import { OrderReads } from "./order-reads.ts";
import { Replicas } from "./replicas.ts";

/** A replica that does not answer at all leaves time for the primary. */
const REPLICA_READ_TIMEOUT_MS = 500;

export interface ReadableReplica extends Replica {
  readonly reads: OrderReads;
}

export interface OrderReaderOptions {
  readonly primary: Pool;
  /** Each with a name for the logs; none when every read goes to the primary. */
  readonly replicas: readonly Replica[];
  readonly listed: Pick<ListedReplicas, "look">;
  readonly clock: Clock;
  readonly onHealth: (replica: Replica, healthy: boolean) => void;
  /** Whether a healthy replica has every answered write; while it has not, none is read. */
  readonly areCurrent?: () => boolean;
}

/**
 * Reads from the healthy replicas in turn, and from the primary while there is none. A read that a
 * replica could not answer is repeated on the primary within the same deadline.
 */
export function createOrderReader(
  options: OrderReaderOptions,
): { readonly reader: OrderReader; readonly replicas: Replicas<ReadableReplica> } {
  const { primary, listed, clock, onHealth, areCurrent = () => true } = options;
  const primaryReads = new OrderReads(primary);
  const members = options.replicas.map((replica): ReadableReplica => ({
    ...replica,
    reads: new OrderReads(replica.pool, REPLICA_READ_TIMEOUT_MS),
  }));
  const replicas = new Replicas({ primary, members, listed, clock, onHealth });

  async function read<Result>(
    ask: (reads: OrderReads) => Promise<Result>,
    context: RequestContext,
  ): Promise<Result> {
    const replica = areCurrent() ? replicas.next() : undefined;
    if (!replica) return await ask(primaryReads);
    try {
      return await ask(replica.reads);
    } catch (error) {
      if (!(error instanceof AppError) || context.remainingMs() === 0) throw error;
      if (isConnectionError(error) || error.code === "deadline_exceeded") replicas.fail(replica);
      return await ask(primaryReads);
    }
  }

  const reader: OrderReader = {
    orderInfo: (orderId, context) => read((reads) => reads.orderInfo(orderId, context), context),
    stocksInfo: (sku, context) => read((reads) => reads.stocksInfo(sku, context), context),
  };
  return { reader, replicas };
}
