import process from "node:process";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { INT64_MAX } from "../proto/loms/v1/limits.ts";
import { ConfigError } from "../shared/config.ts";
import { jsonIntegers } from "../shared/json.ts";
import { redactUrls } from "../shared/redact.ts";
import { DATA_DIRECTORY, readStack, type StackFacts } from "../stack/stack-file.ts";
import { refusalOf } from "./refusal.ts";

/** A command that cannot be executed: exit code 1. */
export class ToolError extends Error {
  readonly exitCode: number = 1;
}

/** A command that is malformed: exit code 2. */
export class UsageError extends ToolError {
  override readonly exitCode = 2;
}

/** The result of a command, or its refusal. */
export interface Outcome {
  /** For programs; bigints are written with every digit. */
  readonly data: unknown;
  /** The same for people. */
  readonly lines: readonly string[];
}

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>["values"];

export interface Tool<Options extends ParseArgsOptionsConfig> {
  readonly name: string;
  usage(): string;
  /** Besides --help. With --json, outcomes and refusals are printed as JSON. */
  readonly options: Options;
  readonly args?: string[];
  /** Returns undefined if it has printed its output itself. */
  run(words: string[], values: Values<Options>): Promise<Outcome | undefined>;
  /** Describes what `run` threw. */
  refusal?(error: unknown): Outcome;
}

/** Runs a program of this folder: outcomes go to standard output, refusals to standard error. */
export async function runTool<const Options extends ParseArgsOptionsConfig>(
  { name, usage, options, args, run, refusal = refusalOf }: Tool<Options>,
): Promise<void> {
  endWithReader();
  let json = false;
  const print = (stream: NodeJS.WritableStream, { data, lines }: Outcome) =>
    stream.write(`${json ? JSON.stringify(data, jsonIntegers) : lines.join("\n")}\n`);
  try {
    const { values, positionals } = readCommandLine(options, args);
    if (values["help"]) return void process.stdout.write(usage());
    json = values["json"] === true;
    const outcome = await run(positionals, values as Values<Options>);
    if (outcome) print(process.stdout, outcome);
  } catch (error) {
    process.exitCode = error instanceof ToolError ? error.exitCode : 1;
    if (error instanceof ToolError || error instanceof ConfigError) {
      process.stderr.write(`${name}: ${error.message}\n`);
    } else print(process.stderr, refusal(error));
  }
}

/** Ends the program when the reader of its output, such as `head`, has closed the pipe. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

function readCommandLine(options: ParseArgsOptionsConfig, args = process.argv.slice(2)) {
  try {
    const all: ParseArgsOptionsConfig = { ...options, help: { type: "boolean", short: "h" } };
    return parseArgs({ args, allowPositionals: true, options: all });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** @throws {UsageError} if the text is not a whole number from `min` to `max` */
export function wholeNumber(name: string, text: string, min: bigint, max = INT64_MAX): bigint {
  const form = min < 0n ? /^[+-]?[0-9]{1,19}$/ : /^(?:0|[1-9][0-9]{0,18})$/;
  const value = form.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value >= min && value <= max) return value;
  const limit = max === INT64_MAX ? "" : ` to ${max}`;
  throw new UsageError(`${name} is a whole number from ${min}${limit}, not "${text}"`);
}

/** The system that runs in this folder, if any. */
export function findStack(): StackFacts | undefined {
  return readStack(process.env.STACK_DATA || DATA_DIRECTORY);
}

/**
 * The URL in each variable of the environment, else that of the running system, without a trailing
 * slash.
 * @throws {UsageError} if one is not a URL
 * @throws {ToolError} if one is unknown
 */
export function findUrls(running: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(running).map(([variable, found]) => {
    const url = process.env[variable] || found;
    if (url === undefined) {
      const variables = Object.keys(running).join(", ").replace(/, (?=[^,]*$)/, " and ");
      throw new ToolError(`nothing runs here: npm start first, or set ${variables}`);
    }
    if (!URL.canParse(url)) throw new UsageError(`${variable} is not a URL: ${redactUrls(url)}`);
    return url.replace(/\/+$/, "");
  });
}
