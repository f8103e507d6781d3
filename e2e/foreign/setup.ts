import process from "node:process";
import type { TestProject } from "vitest/node";
import { findPrograms, type Programs } from "./programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Programs of this machine that are not ours; undefined when one of them is missing. */
    foreign: Programs | undefined;
  }
}

/**
 * Without one of the programs the tests are skipped, and the reason is printed, unless
 * FOREIGN_TESTS=required.
 */
export default function setup(project: TestProject): void {
  const { programs, missing } = findPrograms();
  if (!programs) {
    const reason = `there is no ${missing.join(", no ")} (Debian 12 has them all)`;
    if (process.env.FOREIGN_TESTS === "required") {
      throw new Error(`Cannot test beside programs from elsewhere: ${reason}`);
    }
    process.stdout.write(`The tests beside programs from elsewhere are skipped: ${reason}\n`);
  }
  project.provide("foreign", programs);
}
