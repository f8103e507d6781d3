import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findRuntime } from "../stack/processes/runtimes.ts";
import { findPostgres } from "../stack/postgres/binaries.ts";
import { generatorCommand } from "./load/load.ts";
import { median } from "./statistics.ts";
import { thisCheckout } from "./start/checkout.ts";

const FORCES = 300;
const PAGE_BYTES = 8_192;

/** The machine's properties by name, to repeat a run. */
export async function describeMachine(): Promise<Readonly<Record<string, string>>> {
  const processors = cpus();
  const generator = await generatorCommand();
  return {
    date: new Date().toISOString(),
    commit: thisCheckout().version,
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `${process.platform} ${/^\d+\.\d+/.exec(release())?.[0] ?? release()}`,
    node: process.version,
    deno: versionOf(findRuntime("deno") ?? "deno", "--version"),
    PostgreSQL: versionOf(findPostgres().postgres, "--version"),
    pgbench: versionOf("pgbench", "--version"),
    go: versionOf("go", "version"),
    java: versionOf("java", "--version"),
    generator: generator.length === 1 ? "Go" : "Node, because Go 1.24 is not installed",
    "data directory": `${tmpdir()}, fdatasync of 8 KB ${forceMs(tmpdir()).toFixed(3)} ms`,
  };
}

/** The median time of an fdatasync in that directory, in ms. */
export function forceMs(directory: string): number {
  const path = join(directory, `marketplace-bench-${process.pid}`);
  const file = openSync(path, "w");
  try {
    const page = Buffer.alloc(PAGE_BYTES);
    return median(Array.from({ length: FORCES }, () => {
      writeSync(file, page);
      const startedAt = performance.now();
      fdatasyncSync(file);
      return performance.now() - startedAt;
    }));
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

function versionOf(command: string, argument: string): string {
  try {
    const [line = ""] = execFileSync(command, [argument], { encoding: "utf8" }).split("\n");
    return line.trim();
  } catch {
    return "none";
  }
}
