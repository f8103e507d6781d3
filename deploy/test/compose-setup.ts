import process from "node:process";
import type { TestProject } from "vitest/node";
import { compose, podman } from "./engine.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The name of the running project; empty if containers cannot run here. */
    composeProject: string;
  }
}

const PROJECT = "marketplace";

/** Starts the core that deploy/test/main.ts has built, and removes it at the end. */
export default function setup(project: TestProject): () => void {
  if (process.env.CONTAINERS !== "yes") {
    project.provide("composeProject", "");
    return () => {};
  }
  // Remains of a killed run in the storage; its processes have ended.
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
