import process from "node:process";
import type { TestProject } from "vitest/node";
import { compose, podman } from "./engine.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The name of the project that runs; empty where no containers can. */
    composeProject: string;
  }
}

const PROJECT = "marketplace";

/** Brings the core up with what deploy/test/main.ts has built, and takes it down at the end. */
export default function setup(project: TestProject): () => void {
  if (process.env.CONTAINERS !== "yes") {
    project.provide("composeProject", "");
    return () => {};
  }
  // What a killed run has left in the storage: its processes went with it.
  podman("system", "renumber");
  removeContainers();
  project.provide("composeProject", PROJECT);
  try {
    compose(PROJECT, "up", "-d");
  } catch (error) {
    process.stderr.write(`${podman("ps", "-a")}\n`);
    removeContainers();
    throw error;
  }
  return removeContainers;
}

function removeContainers(): void {
  podman("rm", "--all", "--force", "--time", "2");
  podman("volume", "prune", "--force");
  podman("network", "prune", "--force");
}
