import { NEWEST_JOB } from "./postgres-clock.ts";

/** The part of a client of `pg` that {@link preparePublish} wraps. */
export interface Connection {
  query(statement: string | { name: string; text: string }, ...more: unknown[]): Promise<unknown>;
}

/**
 * Prepares the statements of a publish on a connection. Planning them takes longer than storing a
 * few messages, and unlike other statements of pg-boss, their plans do not depend on the number of
 * jobs.
 */
export function preparePublish(connection: Connection): void {
  const query = connection.query.bind(connection);
  const names = new Map<string, string>();
  connection.query = (statement, ...more) => {
    if (typeof statement !== "string" || !isOfPublish(statement)) return query(statement, ...more);
    const name = names.get(statement) ?? `publish_${names.size}`;
    names.set(statement, name);
    return query({ name, text: statement }, ...more);
  };
}

/** Each queue has its own text. */
function isOfPublish(text: string): boolean {
  return text === NEWEST_JOB || text.trimStart().startsWith("INSERT INTO pgboss.job");
}
