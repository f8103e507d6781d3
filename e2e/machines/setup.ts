import type { TestProject } from "vitest/node";
import { kafkaJars } from "../../stack/kafka/jars.ts";
import { KAFKA_CACHE } from "../../stack/test/kafka-setup.ts";
import { findPrograms } from "../programs.ts";
import { type MachinePrograms, PROGRAMS } from "./programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The programs of a system of several machines; undefined when one of them is missing. */
    machines: MachinePrograms | undefined;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const what = "the tests on several machines";
  const programs = findPrograms(PROGRAMS, { what, variable: "MACHINES_TESTS" });
  const machines = programs && { ...programs, kafkaJars: await kafkaJars(KAFKA_CACHE) };
  project.provide("machines", machines);
}
