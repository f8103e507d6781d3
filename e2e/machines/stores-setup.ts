import type { TestProject } from "vitest/node";
import { findPrograms, type Programs } from "../programs.ts";

const PROGRAMS = ["redis-server", "redis-sentinel", "valkey-server", "openssl"] as const;

declare module "vitest" {
  interface ProvidedContext {
    /** Stores of carts; undefined when one of the programs is missing. */
    stores: Programs<(typeof PROGRAMS)[number]> | undefined;
  }
}

export default function setup(project: TestProject): void {
  const what = "the tests on Redis and Valkey";
  project.provide("stores", findPrograms(PROGRAMS, { what, variable: "MACHINES_TESTS" }));
}
