import type { RequestContext } from "../async/request-context.ts";
import type { StatementRunner } from "./pool.ts";
import type { ColumnType, ParametersOf, ParameterType, RowOf, Statement } from "./statement.ts";

/**
 * How a commit waits, as a value of PostgreSQL's `synchronous_commit`: until every synchronous
 * replica has applied it, or for the disk of the primary alone.
 */
export type Durability = "remote_apply" | "local";

/** Runs statements whose last parameter is a {@link Durability}, which it adds itself. */
export interface DurableRunner {
  run<
    const Parameters extends readonly ParameterType[],
    const Columns extends Readonly<Record<string, ColumnType>>,
  >(
    statement: Statement<readonly [...Parameters, "text"], Columns>,
    parameters: ParametersOf<Parameters>,
    context: RequestContext,
  ): Promise<readonly RowOf<Columns>[]>;
}

/** A runner whose every commit waits in the same way. */
export function durableRunner(pool: StatementRunner, durability: Durability): DurableRunner {
  return {
    run: (statement, parameters, context) =>
      pool.run(statement, withDurability(parameters, durability), context),
  };
}

export function withDurability<const Parameters extends readonly ParameterType[]>(
  parameters: ParametersOf<Parameters>,
  durability: Durability,
): ParametersOf<readonly [...Parameters, "text"]> {
  const given = parameters as readonly unknown[];
  return [...given, durability] as unknown as ParametersOf<readonly [...Parameters, "text"]>;
}
