import type { TestProject } from "vitest/node";
import { type SharedShop, startOwnStack } from "./own-stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    shop: SharedShop;
  }
}

/**
 * One stack for all tests that need no other settings and kill nothing. The run fails if they leave
 * an invariant broken. Some start their own notifier, whose log is not checked.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startOwnStack({}, { notifierLogs: [] });
  project.provide("shop", {
    urls: stack.urls,
    databases: stack.databases,
    logDirectory: stack.logDirectory,
  });
  return () => stack.close();
}
