import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMigrations } from "../shared/postgres/migration-files.ts";

const DEFINITION = /^create (?:or replace )?function (\w+)/m;
const REMOVAL = /^drop function (?:if exists )?(\w+)/m;

/** A function may call one that is created after it. */
const HEADER = "-- Generated from the functions' files by npm run generate.\n" +
  "set local check_function_bodies = off;";

interface Journal {
  entries: { idx: number; version: string; when: number; tag: string; breakpoints: boolean }[];
}

/** The text of each function in the last migration that creates it, by name. */
export function migratedFunctions(statements: readonly string[]): Map<string, string> {
  const functions = new Map<string, string>();
  for (const statement of statements) {
    const removed = REMOVAL.exec(statement)?.[1];
    if (removed) functions.delete(removed);
    const [name, text] = readFunction(statement) ?? [];
    if (name && text) functions.set(name, text);
  }
  return functions;
}

/** The name of a function and its text without the comment above it. */
function readFunction(statement: string): [name: string, text: string] | undefined {
  const found = DEFINITION.exec(statement);
  const name = found?.[1];
  if (!found || !name) return undefined;
  const text = statement.slice(found.index).trim();
  return [name, text.replace(/^create function/, "create or replace function")];
}

/** The outbox of stock events has the same functions, with other names in the text. */
const OF_BOTH_OUTBOXES = ["loms_outbox_hold", "loms_outbox_mark", "loms_outbox_clean"];

/** The functions of the files in `folder`, each with its comment, by name. */
export function functionFiles(folder: string): Map<string, string> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  const functions = new Map(files.map((file) => [
    file.slice(0, -".sql".length),
    readFileSync(join(folder, file), "utf8").trim(),
  ]));
  const forStock = (text: string) => text.replaceAll("outbox", "stock_outbox");
  for (const name of OF_BOTH_OUTBOXES) {
    const text = functions.get(name);
    if (text) functions.set(forStock(name), forStock(text));
  }
  return functions;
}

/**
 * The functions whose text in a file differs from the one that the migrations create.
 * @throws {Error} for a file that defines another function, and for a function without a file
 */
export function changedFunctions(folder: string): string[] {
  const migrations = readMigrations(join(folder, "migrations"));
  const migrated = migratedFunctions(migrations.flatMap(({ statements }) => statements));
  const changed: string[] = [];
  for (const [name, contents] of functionFiles(join(folder, "functions"))) {
    const [defined, text] = readFunction(contents) ?? [];
    if (defined !== name) throw new Error(`${name}.sql does not define the function of its name`);
    if (migrated.get(name) !== text) changed.push(contents);
    migrated.delete(name);
  }
  const [orphan] = migrated.keys();
  if (orphan) throw new Error(`${orphan} has no file: drop it by a migration`);
  return changed;
}

/** Writes the next migration, with its journal entry and snapshot; returns its file name. */
export function writeFunctionMigration(folder: string, functions: readonly string[]): string {
  const path = (name: string) => join(folder, "migrations", name);
  const readJson = (name: string): unknown => JSON.parse(readFileSync(path(name), "utf8"));
  const writeJson = (name: string, value: unknown) =>
    writeFileSync(path(name), JSON.stringify(value, undefined, 2));

  const journal = readJson("meta/_journal.json") as Journal;
  const last = journal.entries.at(-1);
  if (!last) throw new Error(`${folder} has no migrations`);
  const number = (idx: number) => String(idx).padStart(4, "0");
  const idx = last.idx + 1;
  const tag = `${number(idx)}_functions`;
  const breakpoint = "\n--> statement-breakpoint\n";
  writeFileSync(path(`${tag}.sql`), `${[HEADER, ...functions].join(breakpoint)}\n`);
  // drizzle-kit compares the next schema with the newest snapshot; a function changes no table.
  const snapshot = readJson(`meta/${number(last.idx)}_snapshot.json`) as { id: string };
  writeJson(`meta/${number(idx)}_snapshot.json`, {
    ...snapshot,
    id: randomUUID(),
    prevId: snapshot.id,
  });
  const when = Math.max(Date.now(), last.when + 1);
  journal.entries.push({ idx, version: last.version, when, tag, breakpoints: true });
  writeJson("meta/_journal.json", journal);
  return `${tag}.sql`;
}
