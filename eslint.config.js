import sonarjs from "eslint-plugin-sonarjs";
import tseslint from "typescript-eslint";
import { directions } from "./eslint.directions.js";

export default tseslint.config(
  { ignores: ["node_modules", ".data", "proto/gen", "tools/clients/gen", "coverage"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.base],
    plugins: { sonarjs },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "complexity": ["error", 10],
      "sonarjs/cognitive-complexity": ["error", 15],
      "max-lines": ["error", { max: 300 }],
      "eqeqeq": "error",
      "no-console": "error",
      "no-restricted-properties": ["error", {
        object: "process",
        property: "env",
        message: "The environment is read in main.ts alone; take the setting as a parameter.",
      }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", {
        considerDefaultExhaustiveForUnions: true,
      }],
      "@typescript-eslint/only-throw-error": "error",
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ["**/*.test.ts", "**/*-contract.ts"],
    rules: {
      "max-lines-per-function": ["error", { max: 70, skipComments: true }],
    },
  },
  {
    files: [
      "**/main.ts",
      "stack/**",
      "tools/**",
      "e2e/**",
      "bench/**",
      "drizzle/**",
      "deploy/**",
      "**/*.test.ts",
    ],
    rules: { "no-restricted-properties": "off", "no-console": "off" },
  },
  ...directions,
);
