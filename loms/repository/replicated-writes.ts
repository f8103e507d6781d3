import type { RequestContext } from "../../shared/async/request-context.ts";
import { type DurableRunner, withDurability } from "../../shared/postgres/durability.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type {
  ColumnType,
  ParametersOf,
  ParameterType,
  RowOf,
  Statement,
} from "../../shared/postgres/statement.ts";
import type { Replication } from "./replication.ts";
import type { StandbyNames } from "./standby-names.ts";

export interface ReplicatedWritesOptions {
  readonly replication: Replication;
  /** Of the primary, for commits that wait for the replicas. */
  readonly synchronous: Pool;
  /** Of the primary, for commits that do not: those that wait take none of its connections. */
  readonly local: Pool;
  /** What the primary waits for, asked after each commit; without it nothing is asked. */
  readonly standbyNames: Pick<StandbyNames, "ask"> | undefined;
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
    const Columns extends Readonly<Record<string, ColumnType>>,
  >(
    statement: Statement<readonly [...Parameters, "text"], Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
  ): Promise<readonly RowOf<Columns>[]> {
    const { replication, synchronous, local, standbyNames } = this.#options;
    const { durability } = replication;
    const all = withDurability(parameters, durability);
    if (durability === "local") {
      return replication.locally(() => local.run(statement, all, context));
    }
    return replication.synchronously(statement.name, async (isWanted) => {
      const rows = await synchronous.run(statement, all, context, isWanted);
      if (standbyNames) {
        replication.assertWaitedFor(await standbyNames.ask(context), statement.name);
      }
      return rows;
    });
  }
}
