import { rmSync } from "node:fs";
import { join } from "node:path";
import { allOn } from "../stack/services.ts";
import { type Stack, type StackOptions, startStack } from "../stack/start.ts";
import { newRunDirectory } from "../stack/test/run-directory.ts";
import { checkInvariants, type Subject } from "./invariants/check.ts";
import { broken, listViolations } from "./invariants/finding.ts";
import { suiteRuntime } from "./runtime.ts";

/** Addresses, databases and logs of a running stack. */
export type SharedShop = Pick<Stack, "urls" | "databases" | "logDirectory">;

const DIRECTORY_PREFIX = "marketplace-e2e-";

/** A directory of this run; those of killed runs are removed. */
export function newDataDirectory(parent?: string): string {
  return newRunDirectory(DIRECTORY_PREFIX, { parent });
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** What the invariants check in a stack. Tests may call the product stand-in directly. */
export function subjectOf({ databases, logDirectory }: SharedShop): Subject {
  return {
    primaryUrl: databases.loms,
    replicaUrls: databases.lomsReplicas,
    notifierLogs: [join(logDirectory, "notifier.log")],
  };
}

/** @throws {Error} with a sentence for each violation */
export async function expectInvariants(subject: Subject): Promise<void> {
  const violated = broken(await checkInvariants(subject));
  if (violated.length > 0) throw new Error(`Invariants are broken:\n${listViolations(violated)}`);
}

/**
 * A stack on free ports, whose data is deleted at its end. Closing it fails if an invariant is
 * broken, so killed parts must run again by then; `looked` changes what is checked. Closing it
 * again does nothing.
 */
export async function startOwnStack(
  options: Partial<Omit<StackOptions, "ports" | "dataDirectory">> = {},
  looked: Partial<Subject> = {},
): Promise<Stack> {
  const dataDirectory = newDataDirectory();
  const runtimes = allOn(suiteRuntime());
  const own = { dataDirectory, ports: "free", durable: false } as const;
  const stack = await startStack({ runtimes, ...options, ...own });
  async function checkAndClose(): Promise<void> {
    try {
      await expectInvariants({ ...subjectOf(stack), ...looked });
    } finally {
      await stack.close();
      removeDirectory(dataDirectory);
    }
  }
  let closed: Promise<void> | undefined;
  return { ...stack, close: () => closed ??= checkAndClose() };
}
