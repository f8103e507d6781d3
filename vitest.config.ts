import { defineConfig } from "vitest/config";
import { suiteRuntime } from "./e2e/runtime.ts";

const everywhere = ["**/node_modules/**", "**/.data/**"];
/** They need a broker, which takes Java: a project of its own. */
const KAFKA = ["**/kafka.int.test.ts", "**/*.kafka.test.ts"];
/**
 * The gateway beside gRPC: tests of the API, and with every service on Deno end-to-end tests, too.
 */
const GATEWAY = "e2e/loms-transports.{e2e,stack}.test.ts";
/** The kills that lose something first, if anything does: `npm test` has them. */
const KILLS = ["e2e/killed-between-steps.stack.test.ts", "e2e/restart.stack.test.ts"];
/** Most of the time they wait for a server, so more of them than processors run at once. */
const INTEGRATION_FILES_AT_ONCE = 3;
/** Each is eight processes or more, and two PostgreSQL servers. */
const STACKS_AT_ONCE = 2;

const wholeSystems = {
  exclude: everywhere,
  // They wait most of the time: for a lease, a deadline, a start.
  maxWorkers: STACKS_AT_ONCE,
  sequence: { groupOrder: 3 },
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    reporters: ["default", "./stack/test/closing-line.ts"],
    projects: [
      {
        test: {
          name: "unit",
          // A worker keeps its modules from file to file: loading them anew takes five times as
          // long.
          isolate: false,
          include: ["**/*.test.ts"],
          exclude: [
            ...everywhere,
            "**/*.int.test.ts",
            "**/*.e2e.test.ts",
            "**/*.stack.test.ts",
            "**/*.api.test.ts",
            "**/*.observability.test.ts",
            "**/*.compose.test.ts",
            "**/*.foreign.test.ts",
            "**/*.machines.test.ts",
            ...KAFKA,
          ],
        },
      },
      {
        test: {
          name: "int",
          isolate: false,
          maxWorkers: INTEGRATION_FILES_AT_ONCE,
          sequence: { groupOrder: 1 },
          setupFiles: "stack/test/module-loading-setup.ts",
          include: ["**/*.int.test.ts"],
          exclude: [...everywhere, ...KAFKA],
          globalSetup: "stack/test/postgres-setup.ts",
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "kafka",
          include: KAFKA,
          exclude: everywhere,
          globalSetup: ["stack/test/postgres-setup.ts", "stack/test/kafka-setup.ts"],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.e2e.test.ts"],
          exclude: suiteRuntime() ? everywhere : [...everywhere, GATEWAY],
          globalSetup: "e2e/stack-setup.ts",
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "kills",
          include: KILLS,
          ...wholeSystems,
        },
      },
      {
        test: {
          name: "stacks",
          include: ["**/*.stack.test.ts"],
          ...wholeSystems,
          exclude: [...everywhere, ...KILLS, ...(suiteRuntime() ? [] : [GATEWAY])],
        },
      },
      {
        test: {
          name: "compose",
          include: ["deploy/test/**/*.compose.test.ts"],
          exclude: everywhere,
          globalSetup: "deploy/test/compose-setup.ts",
          fileParallelism: false,
          // Containers that are killed come back at their own pace.
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "foreign",
          include: ["**/*.foreign.test.ts"],
          exclude: everywhere,
          globalSetup: "e2e/foreign/setup.ts",
          maxWorkers: STACKS_AT_ONCE,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "machines",
          include: ["**/*.machines.test.ts"],
          exclude: everywhere,
          globalSetup: [
            "stack/test/postgres-setup.ts",
            "e2e/machines/setup.ts",
            "e2e/machines/stores-setup.ts",
          ],
          maxWorkers: STACKS_AT_ONCE,
          // A failover waits for the key of a dead primary to expire.
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "api",
          include: ["e2e/**/*.api.test.ts", GATEWAY],
          exclude: everywhere,
          globalSetup: "e2e/stack-setup.ts",
          fileParallelism: false,
          // A browser on a busy machine takes its time.
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "observability",
          include: ["**/*.observability.test.ts"],
          exclude: everywhere,
          globalSetup: "e2e/observability-setup.ts",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
