import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { PROJECT_DIRECTORY } from "../stack/services.ts";

const out = mkdtempSync(join(tmpdir(), "marketplace-bench-results-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("a bench by name prints its lines and writes them with machine and command", async () => {
  const args = ["run", "bench", "--", "B7", "--quick", "--rounds", "1", "--out", out];
  const { stdout } = await promisify(execFile)("npm", args, { cwd: PROJECT_DIRECTORY });
  const lines = stdout.split("\n").filter((line) => line.startsWith("| B7 "));
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/≤ [\d.]+ .* reached/);
  expect(readFileSync(join(out, "part.md"), "utf8")).toContain(lines[0]);
  const { command, machine, benches } = JSON.parse(readFileSync(join(out, "part.json"), "utf8"));
  expect(command).toBe("npm run bench -- B7 --quick");
  expect(Object.keys(machine)).toEqual(expect.arrayContaining(["commit", "date", "node", "go"]));
  expect(benches[0].goals[0].values).toHaveLength(1);
});
