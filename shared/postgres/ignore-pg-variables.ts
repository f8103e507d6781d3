import process from "node:process";

/**
 * Removes libpq's variables, such as PGOPTIONS, from this process. The drivers read them wherever
 * an option is missing, and postgres.js (3.4.9) reads PGTARGETSESSIONATTRS whatever it is given.
 */
export function ignorePgVariables(): void {
  // eslint-disable-next-line no-restricted-properties -- It reads no setting.
  const { env } = process;
  for (const name of Object.keys(env)) {
    if (name.startsWith("PG")) delete env[name];
  }
}
