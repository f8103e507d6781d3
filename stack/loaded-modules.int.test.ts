import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findRuntime } from "./processes/runtimes.ts";
import { PROJECT_DIRECTORY } from "./services.ts";

/**
 * Writes the files that a program loads, and the imports that Node itself resolved, as JSON to its
 * argument.
 */
const OBSERVE = `
  import { writeFileSync } from "node:fs";
  import { registerHooks } from "node:module";
  const loaded = [];
  const resolved = [];
  registerHooks({
    load(url, context, nextLoad) {
      loaded.push(url);
      return nextLoad(url, context);
    },
    resolve(specifier, context, nextResolve) {
      resolved.push([specifier, context.parentURL ?? ""]);
      return nextResolve(specifier, context);
    },
  });
  process.on("exit", () => writeFileSync(process.argv[1], JSON.stringify({ loaded, resolved })));`;

interface Observed {
  readonly loaded: readonly string[];
  readonly resolved: readonly (readonly [specifier: string, parent: string])[];
}

function run(program: string): Observed {
  const node = findRuntime("node") as string;
  const args = ["--input-type=module", "--eval", `${OBSERVE}\n${program}`];
  const directory = mkdtempSync(join(tmpdir(), "loaded modules "));
  try {
    const file = join(directory, "observed.json");
    execFileSync(node, [...args, file], { cwd: PROJECT_DIRECTORY });
    return JSON.parse(readFileSync(file, "utf8")) as Observed;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function packagesOf({ loaded }: Observed): Set<string | undefined> {
  const packages = loaded.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
  return new Set(packages);
}

test("registerModuleHooks() resolves all imports among the modules of drizzle-orm", () => {
  const importing = 'await import("drizzle-orm/postgres-js");';
  const hook = 'import { registerModuleHooks } from "./shared/module-loading.ts";';
  const relative = ({ resolved }: Observed) =>
    resolved.filter(([specifier, parent]) =>
      specifier.startsWith(".") && parent.includes("/drizzle-orm/")
    ).length;
  const [without, withHook] = [run(importing), run(`${hook} registerModuleHooks(); ${importing}`)];
  expect(relative(without)).toBeGreaterThan(100);
  expect(relative(withHook)).toBe(0);
  const files = ({ loaded }: Observed) => loaded.filter((url) => url.includes("/drizzle-orm/"));
  expect(files(withHook).sort()).toEqual(files(without).sort());
});

test("registerModuleHooks() loads one language of zod", () => {
  const hook = 'import { registerModuleHooks } from "./shared/module-loading.ts";';
  const locales = ({ loaded }: Observed) =>
    loaded.map((url) => /\/zod\/.*\/locales\/(.*)$/.exec(url)?.[1]).filter(Boolean);
  expect(locales(run('await import("zod");')).length).toBeGreaterThan(30);
  expect(locales(run(`${hook} registerModuleHooks(); await import("zod");`))).toEqual(["en.js"]);
});

test("registerModuleHooks() loads prom-client's metrics without OpenTelemetry", () => {
  const hook = 'import { registerModuleHooks } from "./shared/module-loading.ts";';
  const collecting = `const { Registry, collectDefaultMetrics } = await import("prom-client");
    const register = new Registry();
    collectDefaultMetrics({ register });
    const cpu = register.getSingleMetric("process_cpu_seconds_total");
    if ((await cpu.get()).values.length === 0) process.exit(1);`;
  const packages = packagesOf(run(`${hook} registerModuleHooks(); ${collecting}`));
  expect(packages).toContain("prom-client");
  expect(packages).not.toContain("@opentelemetry/api");
});

test.each(["cart", "loms", "notifier"])(
  "%s loads no package that only some settings or calls need",
  (service) => {
    const packages = packagesOf(run(`await import("./${service}/service.ts");`));
    expect(packages).toContain("prom-client");
    const later = ["@grpc/reflection", "grpc-health-check", "protobufjs"];
    for (const name of ["ioredis", "kafkajs", "pg-boss", "swagger-ui-dist", ...later]) {
      expect(packages).not.toContain(name);
    }
    for (const name of ["sdk-trace", "resources", "otlp-transformer"]) {
      expect(packages).not.toContain(`@opentelemetry/${name}`);
    }
  },
);

test("the launcher loads neither a service nor a page", () => {
  const { loaded } = run('await import("./stack/start.ts");');
  const foreign = /\/(cart|loms|notifier|stack\/observe|node_modules\/(hono|drizzle-orm))\//;
  expect(loaded.filter((url) => foreign.test(url))).toEqual([]);
});
