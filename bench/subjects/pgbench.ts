import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { cpuTimes, cpuUsPerCall, type Part } from "../cpu-time.ts";
import type { Measured } from "../load/load.ts";
import { measuredBy, type Variant } from "../rounds.ts";
import { processTree } from "../start/process-tree.ts";

export interface PgbenchOptions {
  readonly name: string;
  readonly url: string;
  readonly script: string;
  readonly clients: number;
  /** Transactions of each client. A duration would include the time to connect many clients. */
  readonly transactions: number;
  /** Orders that one run of the script creates. */
  readonly each?: number;
  readonly parts: readonly Part[];
}

/** Why pgbench is unavailable; undefined if it is available. */
export function whyNoPgbench(): string | undefined {
  try {
    execFileSync("pgbench", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "pgbench is not installed (Debian: apt-get install postgresql-15)";
  }
}

/** A script of pgbench, which is driver and generator in one. */
export function pgbenchVariant(options: PgbenchOptions): Variant {
  return { name: options.name, measure: () => runPgbench(options) };
}

async function runPgbench(options: PgbenchOptions): Promise<Measured> {
  const { url, script, clients, transactions, each = 1, parts } = options;
  const directory = mkdtempSync(join(tmpdir(), "marketplace-pgbench-"));
  try {
    const path = join(directory, "script.sql");
    writeFileSync(path, script);
    const args = [
      ...["-n", "-M", "prepared", "-f", path, "-c", `${clients}`, "-j", "2"],
      ...["-t", `${transactions}`, "-l", "--log-prefix", join(directory, "log"), url],
    ];
    const [before, ownBefore] = [cpuTimes(parts), endedMs()];
    const child = spawn("pgbench", args, { stdio: ["ignore", "pipe", "pipe"] });
    const output = [text(child.stdout), text(child.stderr)] as const;
    const [shown, errors, [code]] = await Promise.all([...output, once(child, "close")]);
    if (code !== 0) throw new Error(`pgbench ended with ${code}: ${errors}`);
    const after = cpuTimes(parts);
    const done = Number(/actually processed: (\d+)/.exec(shown)?.[1]) * each;
    if (!(done > 0)) throw new Error(`pgbench ran no transaction: ${shown}${errors}`);
    const perSecond = Number(/tps = ([\d.]+)/.exec(shown)?.[1]) * each;
    const used = cpuUsPerCall(parts, [before, after], done);
    return measuredBy({
      ...{ calls: done, seconds: done / perSecond, latenciesMs: latenciesIn(directory) },
      cpuUs: { ...used, generator: (endedMs() - ownBefore) * 1_000 / done },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The third column of pgbench's log is the time of a transaction in µs. */
function latenciesIn(directory: string): number[] {
  const logs = readdirSync(directory).filter((name) => name.startsWith("log"));
  return logs.flatMap((name) =>
    readFileSync(join(directory, name), "utf8").trim().split("\n")
      .map((line) => Number(line.split(" ")[2]) / 1_000)
  );
}

/** The CPU time of this process's children that have ended, in ms. */
function endedMs(): number {
  return processTree(process.pid).find(({ pid }) => pid === process.pid)?.endedCpuMs ?? 0;
}
