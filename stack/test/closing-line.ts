import process from "node:process";
import type { Reporter, TestModule } from "vitest/node";

declare module "vitest" {
  interface TaskMeta {
    /** A measurement of a test, in one line. */
    figures?: string;
  }
}

const SLOWEST = 10;

/**
 * Ends a run with the measurements of its tests, its slowest files, and the line `N passed, N
 * failed, N skipped`. Failures outside of tests count as well: a file that could not be collected,
 * a hook of a suite.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const suites = [module, ...module.children.allSuites()];
      count.failed += suites.filter((suite) => suite.errors().length > 0).length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        const { figures } = test.meta();
        if (figures) process.stdout.write(`\n${figures}\n`);
        if (state === "pending") count.failed++;
        else count[state]++;
      }
    }
    process.stdout.write(`\n${slowest(modules).join("\n")}\n`);
    process.stdout.write(
      `\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`,
    );
  }
}

/** The slowest files, with their setup and hooks. */
function slowest(modules: readonly TestModule[]): string[] {
  const timed = modules.map((module) => {
    const { duration, setupDuration, collectDuration } = module.diagnostic();
    const name = `${module.project.name} ${module.relativeModuleId}`;
    return { name, seconds: (duration + setupDuration + collectDuration) / 1_000 };
  });
  const rows = timed.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}`);
  return [`The slowest of ${timed.length} files:`, ...rows];
}
