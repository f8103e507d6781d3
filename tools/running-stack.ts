import process from "node:process";
import { redactUrls } from "../shared/redact.ts";
import { DATA_DIRECTORY, readStack, type StackFacts } from "../stack/stack-file.ts";
import { UsageError } from "./shop/command.ts";

/** The system that runs in this folder; undefined when none does. */
export function findStack(): StackFacts | undefined {
  return readStack(process.env.STACK_DATA || DATA_DIRECTORY);
}

/**
 * The URL that a variable of the environment names, else `running`, without a slash at its end, as
 * paths are put behind it. Undefined when there is none.
 * @throws {UsageError} when it is not a URL
 */
export function findUrl(variable: string, running: string | undefined): string | undefined {
  const url = process.env[variable] || running;
  if (url === undefined || URL.canParse(url)) return url?.replace(/\/+$/, "");
  throw new UsageError(`${variable} is not a URL: ${redactUrls(url)}`);
}
