import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: ["node_modules", ".data", "**/*.int.test.ts", "e2e/**"],
        },
      },
    ],
  },
});
