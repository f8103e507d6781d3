import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { staleFiles } from "./stale-files.ts";

/** The generated files that differ from the proto. */
function stale(): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "generated-"));
  try {
    execFileSync("buf", ["generate", "-o", fresh]);
    const gen = join(fresh, "proto", "gen");
    execFileSync("buf", ["build", "-o", join(gen, "loms.binpb")]);
    return staleFiles(gen, join("proto", "gen"));
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

const names = stale();
if (names.length > 0) {
  console.error(`Not current, run "npm run generate": ${names.join(", ")}`);
  process.exit(1);
}
