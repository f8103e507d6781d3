import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What drizzle-kit writes between the statements of a file. */
const BREAKPOINT = "--> statement-breakpoint";

/** One file of migrations, as drizzle-kit writes and counts it. */
export interface Migration {
  readonly statements: readonly string[];
  readonly hash: string;
  /** When it was made, in ms since 1970; a database knows by it what it has. */
  readonly madeAt: number;
}

/** A folder's migrations in the order of its journal. */
export function readMigrations(folder: string): Migration[] {
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const { entries } = JSON.parse(read("meta/_journal.json")) as {
    entries: readonly { readonly tag: string; readonly when: number }[];
  };
  return entries.map(({ tag, when }) => {
    const text = read(`${tag}.sql`);
    const hash = createHash("sha256").update(text).digest("hex");
    return { statements: text.split(BREAKPOINT), hash, madeAt: when };
  });
}
