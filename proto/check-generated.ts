import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Every file below a folder with its bytes, by relative path. */
function filesBelow(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.map((name) => [
    name.slice(folder.length + 1),
    readFileSync(name).toString("base64"),
  ]));
}

/** The generated files that are missing, left over or different from what the proto says. */
function stale(): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "generated-"));
  try {
    execFileSync("buf", ["generate", "-o", fresh]);
    const gen = join(fresh, "proto", "gen");
    execFileSync("buf", ["build", "-o", join(gen, "loms.binpb")]);
    const expected = filesBelow(gen);
    const committed = filesBelow(join("proto", "gen"));
    const names = new Set([...expected.keys(), ...committed.keys()]);
    return [...names].filter((name) => expected.get(name) !== committed.get(name));
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

const names = stale();
if (names.length > 0) {
  console.error(`Not current, run "npm run generate": ${names.join(", ")}`);
  process.exit(1);
}
