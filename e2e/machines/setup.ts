import type { TestProject } from "vitest/node";
import { findPrograms } from "../programs.ts";
import { type MachinePrograms, PROGRAMS } from "./programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** What a system of several machines runs on; undefined when one of them is missing. */
    machines: MachinePrograms | undefined;
  }
}

export default function setup(project: TestProject): void {
  const what = "the tests on several machines";
  project.provide("machines", findPrograms(PROGRAMS, { what, variable: "MACHINES_TESTS" }));
}
