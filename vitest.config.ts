import { defineConfig } from "vitest/config";

const everywhere = ["**/node_modules/**", "**/.data/**"];
/** They need a broker, which takes Java: a project of its own. */
const KAFKA = ["**/kafka.int.test.ts", "**/*.kafka.test.ts"];
/** The gateway beside gRPC; on each runtime they are among the end-to-end tests as well. */
const GATEWAY = "e2e/loms-doors.{e2e,stack}.test.ts";
/** Each is eight processes or more, and two PostgreSQL servers. */
const STACKS_AT_ONCE = 2;

export default defineConfig({
  test: {
    reporters: ["default", "./stack/test/closing-line.ts"],
    projects: [
      {
        test: {
          name: "unit",
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
            ...KAFKA,
          ],
        },
      },
      {
        test: {
          name: "int",
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
          exclude: everywhere,
          globalSetup: "e2e/stack-setup.ts",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "stacks",
          include: ["e2e/**/*.stack.test.ts"],
          exclude: everywhere,
          // They wait most of the time: for a lease, a deadline, a start.
          maxWorkers: STACKS_AT_ONCE,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
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
