import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMigrations } from "../shared/postgres/migration-files.ts";
import {
  changedFunctions,
  migratedFunctions,
  writeFunctionMigration,
} from "./function-migration.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "functions-"));
  cpSync(fileURLToPath(new URL("loms", import.meta.url)), folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const edit = (file: string, from: string, to: string) => {
  const path = join(folder, "functions", file);
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
};

test("a changed function gets one migration, after which no function has changed", () => {
  edit("loms_outbox_read.sql", "if found then", "if found and true then");
  const before = readMigrations(join(folder, "migrations"));
  const changed = changedFunctions(folder);
  expect(changed).toEqual([expect.stringContaining("function loms_outbox_read(")]);
  writeFunctionMigration(folder, changed);
  expect(changedFunctions(folder)).toEqual([]);
  const after = readMigrations(join(folder, "migrations"));
  expect(after.slice(0, -1)).toEqual(before);
  expect(after.at(-1)?.madeAt).toBeGreaterThan(before.at(-1)?.madeAt ?? Infinity);
});

test("a changed function of both outboxes is changed for both", () => {
  edit("loms_outbox_clean.sql", "return deleted;", "return deleted + 0;");
  expect(changedFunctions(folder)).toEqual([
    expect.stringContaining("function loms_outbox_clean("),
    expect.stringContaining("function loms_stock_outbox_clean("),
  ]);
});

test("a changed comment above a function needs no migration", () => {
  edit("loms_outbox_clean.sql", "-- Deletes", "-- Removes");
  expect(changedFunctions(folder)).toEqual([]);
});

test("a function without a file is refused", () => {
  rmSync(join(folder, "functions", "loms_outbox_clean.sql"));
  expect(() => changedFunctions(folder)).toThrow("loms_outbox_clean has no file");
});

test("migratedFunctions() keeps the last text of each function that was not dropped", () => {
  const statements = [
    "create function a() returns int",
    "-- Why.\ncreate function b() returns int",
    "create or replace function a() returns text",
    "drop function b",
  ];
  expect([...migratedFunctions(statements)])
    .toEqual([["a", "create or replace function a() returns text"]]);
});
