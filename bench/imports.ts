// The cost of importing each dependency on Node: CPU time and resident memory, each measured in
// separate processes, minus those of a process that imports nothing. drizzle-orm is measured both
// unchanged and with the hooks of our processes (shared/module-loading.ts).
// Usage: node bench/imports.ts [--rounds N]
import { execFileSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./statistics.ts";

const IMPORTS = [
  "drizzle-orm/postgres-js",
  "drizzle-orm/pg-core",
  "postgres",
  "pg-boss",
  "kafkajs",
  "zod",
  "hono",
  "@hono/zod-openapi",
  "@hono/node-server",
  "@hono/swagger-ui",
  "@grpc/grpc-js",
  "@grpc/proto-loader",
  "@grpc/reflection",
  "grpc-health-check",
  "@bufbuild/protobuf/wire",
  "@opentelemetry/api",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace",
  "@opentelemetry/otlp-transformer",
  "prom-client",
  "tslog",
  "pprof-format",
] as const;
const DIRECTORY = fileURLToPath(new URL(".", import.meta.url));
const HOOK = new URL("../shared/module-loading.ts", import.meta.url).href;

interface Cost {
  readonly cpuMs: number;
  readonly memoryMb: number;
}

const { values: { rounds } } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });

console.log("| import | CPU time, ms | memory, MB |\n| --- | --- | --- |");
const nothing = costOf("");
const withHook = costOf(`(await import(${JSON.stringify(HOOK)})).registerModuleHooks();`);
for (const name of IMPORTS) {
  const statement = `await import(${JSON.stringify(name)});`;
  report(name, costOf(statement), nothing);
  if (name.startsWith("drizzle-orm")) {
    const hooked = `(await import(${JSON.stringify(HOOK)})).registerModuleHooks(); ${statement}`;
    report(`${name} as our processes import it`, costOf(hooked), withHook);
  }
}

function report(name: string, cost: Cost, bare: Cost): void {
  const cpuMs = (cost.cpuMs - bare.cpuMs).toFixed(0);
  console.log(`| ${name} | ${cpuMs} | ${(cost.memoryMb - bare.memoryMb).toFixed(0)} |`);
}

function costOf(statement: string): Cost {
  const costs = Array.from({ length: Number(rounds) }, () => measure(statement));
  return {
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
    memoryMb: median(costs.map(({ memoryMb }) => memoryMb)),
  };
}

function measure(statement: string): Cost {
  const program = `${statement}
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({
      cpuMs: (user + system) / 1000, memoryMb: process.memoryUsage().rss / 2 ** 20 }));
    process.exit(0);`;
  const args = ["--input-type=module", "--eval", program];
  // Without the compile cache: the cost of a first start.
  const environment = { ...process.env, NODE_COMPILE_CACHE: undefined };
  const options = { cwd: DIRECTORY, encoding: "utf8", env: environment } as const;
  return JSON.parse(execFileSync(process.execPath, args, options)) as Cost;
}
