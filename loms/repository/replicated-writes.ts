import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool, StatementRunner } from "../../shared/postgres/pool.ts";
import type {
  ColumnType,
  ParametersOf,
  ParameterType,
  RowOf,
  Statement,
} from "../../shared/postgres/statement.ts";
import type { Replication } from "./replication.ts";

export interface ReplicatedWritesOptions {
  readonly replication: Replication;
  /** Of the primary, whose commits wait for the replicas. */
  readonly synchronous: Pool;
  /** Of the primary, whose commits do not wait. */
  readonly local: Pool;
}

/**
 * Runs everything that writes on the primary. When it resolves, the write is on every synchronous
 * replica, unless replication is degraded. Beside what {@link Pool.run} throws: AppError
 * `unavailable` while no commit is confirmed.
 */
export class ReplicatedWrites implements StatementRunner {
  readonly #options: ReplicatedWritesOptions;

  constructor(options: ReplicatedWritesOptions) {
    this.#options = options;
  }

  run<
    const Parameters extends readonly ParameterType[],
    const Columns extends Readonly<Record<string, ColumnType>>,
  >(
    statement: Statement<Parameters, Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
  ): Promise<readonly RowOf<Columns>[]> {
    const { replication, synchronous, local } = this.#options;
    if (replication.state === "degraded") {
      return replication.locally(() => local.run(statement, parameters, context));
    }
    return replication.synchronously(
      statement.name,
      (isWanted) => synchronous.run(statement, parameters, context, isWanted),
    );
  }
}
