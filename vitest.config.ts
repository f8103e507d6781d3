import { availableParallelism } from "node:os";
import { defineConfig, type UserWorkspaceConfig } from "vitest/config";
import { suiteRuntime } from "./e2e/runtime.ts";

const everywhere = ["**/node_modules/**", "**/.data/**"];
/** They need a broker, and so Java: a separate project. */
const KAFKA = ["**/kafka.int.test.ts", "**/*.kafka.test.ts"];
/**
 * The gateway beside gRPC: tests of the API, and with every service on Deno end-to-end tests, too.
 */
const GATEWAY = "e2e/loms-transports.{e2e,stack}.test.ts";
const beyondApi = suiteRuntime() ? everywhere : [...everywhere, GATEWAY];
/** The most critical kills, which `npm test` includes. */
const KILLS = ["e2e/killed-between-steps.stack.test.ts", "e2e/restart.stack.test.ts"];
/** Every kind of test that is not a unit test. */
const KINDS = ["int", "e2e", "stack", "api", "observability", "compose", "foreign", "machines"];
/** Most of the time they wait for a server, so more of them than processors run at once. */
const INTEGRATION_FILES_AT_ONCE = 3;
/** A file of them may wait for a worker that loads its modules. */
const UNIT_FILES_AT_ONCE = Math.max(INTEGRATION_FILES_AT_ONCE, availableParallelism());
/** Each is eight processes or more, and two PostgreSQL servers. */
const STACKS_AT_ONCE = 2;

type Options = NonNullable<UserWorkspaceConfig["test"]>;

function project(name: string, testSeconds: number, hookSeconds: number, options: Options) {
  const timeouts = { testTimeout: testSeconds * 1_000, hookTimeout: hookSeconds * 1_000 };
  // A poll on a slow machine ends before its test does, and reports the last value.
  const expect = { poll: { timeout: testSeconds * 800 } };
  return { test: { name, exclude: everywhere, ...timeouts, expect, ...options } };
}

export default defineConfig({
  test: {
    reporters: ["default", "./stack/test/closing-line.ts"],
    projects: [
      project("unit", 5, 10, {
        // A worker keeps its modules from file to file: loading them takes five times longer.
        isolate: false,
        maxWorkers: UNIT_FILES_AT_ONCE,
        include: ["**/*.test.ts"],
        exclude: [...everywhere, ...KINDS.map((kind) => `**/*.${kind}.test.ts`), ...KAFKA],
      }),
      // Alone: where they are slow, orders expire while the notifier is killed.
      project("kills", 60, 120, {
        include: KILLS,
        maxWorkers: STACKS_AT_ONCE,
        sequence: { groupOrder: 3 },
      }),
      project("int", 40, 60, {
        isolate: false,
        maxWorkers: INTEGRATION_FILES_AT_ONCE,
        sequence: { groupOrder: 1 },
        setupFiles: "stack/test/module-loading-setup.ts",
        include: ["**/*.int.test.ts"],
        exclude: [...everywhere, ...KAFKA],
        globalSetup: "stack/test/postgres-setup.ts",
      }),
      project("e2e", 60, 120, {
        include: ["e2e/**/*.e2e.test.ts"],
        exclude: beyondApi,
        globalSetup: "e2e/stack-setup.ts",
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
      project("stacks", 60, 120, {
        include: ["**/*.stack.test.ts"],
        exclude: [...beyondApi, ...KILLS],
        // They wait most of the time: for a lease, a deadline, a start.
        maxWorkers: STACKS_AT_ONCE,
        sequence: { groupOrder: 3 },
      }),
      project("kafka", 30, 60, {
        include: KAFKA,
        globalSetup: ["stack/test/postgres-setup.ts", "stack/test/kafka-setup.ts"],
        fileParallelism: false,
      }),
      // Killed containers restart at their own pace.
      project("compose", 240, 300, {
        include: ["deploy/test/**/*.compose.test.ts"],
        globalSetup: "deploy/test/compose-setup.ts",
        fileParallelism: false,
      }),
      project("foreign", 60, 120, {
        include: ["**/*.foreign.test.ts"],
        globalSetup: "e2e/foreign/setup.ts",
        maxWorkers: STACKS_AT_ONCE,
      }),
      // A failover waits for the key of a dead primary to expire.
      project("machines", 120, 180, {
        include: ["**/*.machines.test.ts"],
        globalSetup: [
          "stack/test/postgres-setup.ts",
          "e2e/machines/setup.ts",
          "e2e/machines/stores-setup.ts",
        ],
        maxWorkers: STACKS_AT_ONCE,
      }),
      // A browser on a busy machine takes its time.
      project("api", 180, 120, {
        include: ["e2e/**/*.api.test.ts", GATEWAY],
        globalSetup: "e2e/stack-setup.ts",
        fileParallelism: false,
      }),
      project("observability", 60, 120, {
        include: ["**/*.observability.test.ts"],
        globalSetup: "e2e/observability-setup.ts",
        fileParallelism: false,
      }),
    ],
  },
});
