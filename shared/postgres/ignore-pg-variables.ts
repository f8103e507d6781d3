import process from "node:process";

/**
 * Removes libpq's variables, such as PGOPTIONS, from this process. The drivers read them for every
 * missing option, and postgres.js (3.4.9) always reads PGTARGETSESSIONATTRS.
 */
export function ignorePgVariables(): void {
  // eslint-disable-next-line no-restricted-properties -- It reads no setting.
  const { env } = process;
  for (const name of Object.keys(env)) {
    if (name.startsWith("PG")) delete env[name];
  }
}
