import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The separator of statements in drizzle-kit's files. */
const BREAKPOINT = "--> statement-breakpoint";

/** A migration file, as drizzle-kit writes and counts it. */
export interface Migration {
  /** The name of the file, without `.sql`. */
  readonly tag: string;
  readonly statements: readonly string[];
  readonly hash: string;
  /** Creation time in ms since 1970; a database records it. */
  readonly madeAt: number;
}

/**
 * The statements that prepare a migration on a database in use, because they would lock a table for
 * long. They may run several times. Most migrations have none. They are in `before-migrations`,
 * next to the folder of the migrations.
 */
export function readPreparation(folder: string, { tag }: Pick<Migration, "tag">): string[] {
  const file = join(dirname(folder), "before-migrations", `${tag}.sql`);
  return existsSync(file) ? readFileSync(file, "utf8").split(BREAKPOINT) : [];
}

/** A folder's migrations, in the order of its journal. */
export function readMigrations(folder: string): Migration[] {
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const { entries } = JSON.parse(read("meta/_journal.json")) as {
    entries: readonly { readonly tag: string; readonly when: number }[];
  };
  return entries.map(({ tag, when }) => {
    const text = read(`${tag}.sql`);
    const hash = createHash("sha256").update(text).digest("hex");
    return { tag, statements: text.split(BREAKPOINT), hash, madeAt: when };
  });
}
