import process from "node:process";
import { type Part, type Stack, startStack } from "../../stack/start.ts";
import type { FromLauncher, ToLauncher } from "./launcher.ts";

// The launcher of the crash test, in a process of its own so that it can be killed like any other:
// a stack by the settings of its environment, whose parts are killed and brought back by messages.

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
  // Stopped by the crash test, or left over from one that was killed.
  process.once("disconnect", () => void stack.close().finally(() => process.exit(0)));
  const { urls, databases, logDirectory } = stack;
  send({ facts: { urls, databases, logDirectory } });
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
});
