import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkGenerated, staleFiles } from "./stale-files.ts";

await checkGenerated(join(tmpdir(), "generated-"), (fresh) => {
  execFileSync("buf", ["generate", "-o", fresh]);
  const gen = join(fresh, "proto", "gen");
  execFileSync("buf", ["build", "-o", join(gen, "loms.binpb")]);
  return staleFiles(gen, join("proto", "gen"));
});
