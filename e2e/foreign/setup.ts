import type { TestProject } from "vitest/node";
import { findPrograms } from "../programs.ts";
import { PROGRAMS, type Programs } from "./programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Third-party programs of this machine; undefined if one of them is missing. */
    foreign: Programs | undefined;
  }
}

export default function setup(project: TestProject): void {
  const what = "the tests with third-party programs";
  project.provide("foreign", findPrograms(PROGRAMS, { what, variable: "FOREIGN_TESTS" }));
}
