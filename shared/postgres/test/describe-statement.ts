import type { Pool } from "../pool.ts";
import type { Statement } from "../statement.ts";

/** The types of a statement as the server describes them, by their PostgreSQL names. */
export async function describeStatement({ db }: Pool, { text, parameters }: Statement) {
  const client = db.$client;
  const described = await client.unsafe(text, parameters.map(() => "")).describe();
  const names = await client<{ oid: number; name: string }[]>`
    select oid, typname::text as name from pg_type`;
  const nameOf = new Map(names.map(({ oid, name }) => [oid, name]));
  const shown = (oid: number) => (nameOf.get(oid) ?? "").replace(/^_(.*)/, "$1[]");
  return {
    parameters: described.types.map(shown),
    columns: Object.fromEntries(described.columns.map(({ name, type }) => [name, shown(type)])),
  };
}
