import type { RequestContext } from "../../shared/async/request-context.ts";
import {
  type DurableColumns,
  type DurableRunner,
  withDurability,
} from "../../shared/postgres/durability.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type {
  ParametersOf,
  ParameterType,
  RowOf,
  Statement,
} from "../../shared/postgres/statement.ts";
import type { Replication } from "./replication.ts";

export interface ReplicatedWritesOptions {
  readonly replication: Replication;
  /** Of the primary, for commits that wait for the replicas. */
  readonly synchronous: Pool;
  /** Of the primary, for commits that do not: those that wait take none of its connections. */
  readonly local: Pool;
}

/**
 * Runs what writes on the primary and has an answer for a caller. When it resolves, the write is on
 * every synchronous replica, unless replication is degraded. Beside what {@link Pool.run} throws:
 * AppError `unavailable` while no listed replica is synchronous.
 */
export class ReplicatedWrites implements DurableRunner {
  readonly #options: ReplicatedWritesOptions;

  constructor(options: ReplicatedWritesOptions) {
    this.#options = options;
  }

  run<
    const Parameters extends readonly ParameterType[],
    const Columns extends DurableColumns,
  >(
    statement: Statement<readonly [...Parameters, "text"], Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
  ): Promise<readonly RowOf<Columns>[]> {
    const { replication, synchronous, local } = this.#options;
    const { durability } = replication;
    const all = withDurability(parameters, durability);
    if (durability === "local") {
      return replication.locally(() => local.run(statement, all, context));
    }
    return replication.synchronously(statement.name, async (isWanted) => {
      const rows = await synchronous.run(statement, all, context, isWanted);
      const standbys = rows[0]?.["standbys"] as string | undefined;
      if (standbys !== undefined) replication.assertWaitedFor(standbys, statement.name);
      return rows;
    });
  }
}
