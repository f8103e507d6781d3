import process from "node:process";
import { type Part, type Stack, startStack } from "../../stack/start.ts";
import type { FromLauncher, ToLauncher } from "./launcher.ts";

// The launcher of the crash test, in a separate process, so that it can be killed like any other.
// It runs a stack with the settings of its environment, and kills and restarts parts on messages.

const send = (message: FromLauncher) => void process.send?.(message);

async function obey(stack: Stack, { id, action, part }: ToLauncher): Promise<void> {
  try {
    await stack[action](part);
    send({ id });
  } catch (error) {
    send({ id, failure: (error as Error).message });
  }
}

async function main(): Promise<void> {
  const { CRASH_DATA = "", ...environment } = process.env;
  const stack = await startStack({
    dataDirectory: CRASH_DATA,
    ports: "free",
    environment,
    onEnd: (part: Part, ending) => send({ ended: `${part}: ${ending}` }),
  });
  process.on("message", (message: ToLauncher) => void obey(stack, message));
  // The crash test has stopped it, or was killed.
  process.once("disconnect", () => void stack.close().finally(() => process.exit(0)));
  const { urls, databases, logDirectory } = stack;
  send({ facts: { urls, databases, logDirectory } });
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
});
