import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cpuPprof, heapPprof } from "./pprof.ts";
import { ProcessProfiler } from "./profiler.ts";

const hasGo = spawnSync("go", ["version"]).status === 0;
if (!hasGo) {
  process.stdout.write("skips the tests of profiles with go tool pprof: go is not installed\n");
}

const profiler = new ProcessProfiler();
const directory = mkdtempSync(join(tmpdir(), "marketplace-pprof-"));
const kept: object[] = [];

beforeAll(() => profiler.open());
afterAll(() => {
  profiler.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The rows of `go tool pprof -top`. */
function top(bytes: Uint8Array, ...options: string[]): string {
  const path = join(directory, "profile.pb.gz");
  writeFileSync(path, bytes);
  const { stdout, stderr, status } = spawnSync(
    "go",
    ["tool", "pprof", "-top", "-nodecount=5000", ...options, path],
    { encoding: "utf8", env: { ...process.env, PPROF_TMPDIR: directory } },
  );
  expect(status, stderr).toBe(0);
  return stdout;
}

/** A new user's first `go tool pprof` builds the program. */
const FIRST_PPROF_MAX_MS = 120_000;

/** 20 MB and more in small objects. */
function keepMemory(): void {
  for (let n = 0; n < 400_000; n++) kept.push({ n, text: [n] });
}

function computeMuch(): number {
  let sum = 0;
  const until = performance.now() + 300;
  while (performance.now() < until) sum += Math.sqrt(sum + 1);
  return sum;
}

test.skipIf(!hasGo)(
  "a heap profile shows live memory by the function that allocated it",
  async () => {
    keepMemory();
    // Without -unit pprof chooses the unit of the smallest row.
    const text = top(await heapPprof(await profiler.heap()), "-lines", "-unit=MB");
    expect(text).toMatch(/MB\s+\S+\s+keepMemory .*shared\/telemetry\/pprof\.int\.test\.ts/);
    expect(kept.length).toBeGreaterThan(0);
  },
  FIRST_PPROF_MAX_MS,
);

test.skipIf(!hasGo)("a CPU profile shows the busy function, with its time", async () => {
  const text = top(await cpuPprof(await profiler.cpu(computeMuch)));
  expect(text).toMatch(/^Type: cpu$/m);
  const [, spent = ""] = /([\d.]+)ms\s+[\d.]+%\s+computeMuch$/m.exec(text) ?? [];
  expect(Number(spent), text).toBeGreaterThan(100);
});
