import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { postgresIn } from "./binaries.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postgres package "));
  for (const folder of ["bin", "lib"]) {
    mkdirSync(join(directory, "native", folder), { recursive: true });
  }
  for (const name of ["initdb", "postgres"]) write(`bin/${name}`, "", 0o755);
  write("lib/a.so.1.2", "");
  const links = [{ source: "native/lib/a.so.1.2", target: "native/lib/a.so.1" }];
  write("pg-symlinks.json", JSON.stringify(links));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string, mode = 0o644): void {
  const path = join(directory, "native", name);
  writeFileSync(path, text);
  chmodSync(path, mode);
}

test("postgresIn() creates the links of the package's install script, once", () => {
  for (const time of ["first", "again"]) {
    expect(postgresIn(directory).postgres, time).toBe(join(directory, "native/bin/postgres"));
    expect(readlinkSync(join(directory, "native/lib/a.so.1")), time).toBe("a.so.1.2");
  }
});

const INSTALL_AGAIN = "install the packages again, with npm ci or deno install";

test("postgresIn() names a program that is missing or not executable", () => {
  chmodSync(join(directory, "native/bin/postgres"), 0o644);
  expect(() => postgresIn(directory)).toThrow(
    `PostgreSQL's ${directory}/native/bin/postgres is missing or not executable: ${INSTALL_AGAIN}`,
  );
});

test("postgresIn() reports a package without its list of links as incomplete", () => {
  rmSync(join(directory, "native/pg-symlinks.json"));
  expect(() => postgresIn(directory)).toThrow(/^PostgreSQL in .* is incomplete \(ENOENT.*install/);
});
