import process from "node:process";
import { parseArgs } from "node:util";
import { createDirectFetch } from "../shared/http-client/direct-fetch.ts";
import { jsonIntegers } from "../shared/json-integer.ts";
import type { StockApi } from "./clients/gen/stock/sdk.gen.ts";
import { stockClient } from "./clients/stock.ts";
import { findStack, findUrl } from "./running-stack.ts";
import { UsageError } from "./shop/command.ts";
import { refusalOf } from "./shop/refusal.ts";
import { checkUsage, COMMANDS, type StockOptions } from "./stock/commands.ts";
import { ImportError } from "./stock/import-file.ts";
import { FileError } from "./stock/read-stock-file.ts";
import { usage } from "./stock/usage.ts";

const REFUSED = 1;
const NOT_UNDERSTOOD = 2;
/** A longer list is not read. */
const FILE_ERRORS_SHOWN_MAX = 20;
/** Stands for the sign of a number while options are read. */
const MINUS = "\u2212";

const { json, help, words, options } = await withUsageErrors(readCommandLine);
if (help) process.stdout.write(usage());
else process.exitCode = await withUsageErrors(run);

/** A usage error ends the program with its own code. */
async function withUsageErrors<Result>(task: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`stock: ${error.message}\n`);
    return process.exit(NOT_UNDERSTOOD);
  }
}

function readCommandLine() {
  try {
    const { values: { json, help, ...given }, positionals } = parseArgs({
      // A count below zero would be an option.
      args: process.argv.slice(2).map((word) => word.replace(/^-(?=[0-9]+$)/, MINUS)),
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        reason: { type: "string" },
        reference: { type: "string" },
      },
    });
    const stated = positionals.map((word) => word.replace(MINUS, "-"));
    return { json, help, words: stated, options: given as StockOptions };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function run(): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined) throw new UsageError("there is no command, see --help");
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`there is no "${name}", see --help`);
  checkUsage(name, command, rest, options);
  const api = findApi();
  try {
    const note = (line: string) => process.stderr.write(`${line}\n`);
    const { data, lines } = await command.run(api, rest, options, note);
    process.stdout.write(`${json ? JSON.stringify(data, jsonIntegers) : lines.join("\n")}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { data, lines } = failureOf(error);
    process.stderr.write(`${json ? JSON.stringify(data, jsonIntegers) : lines.join("\n")}\n`);
    return REFUSED;
  }
}

/** The stock API that the environment names, else that of the system of this folder. */
function findApi(): StockApi {
  const url = findUrl("LOMS_ADMIN_URL", findStack()?.urls.lomsAdmin);
  if (!url) throw new UsageError("nothing runs here: npm start first, or set LOMS_ADMIN_URL");
  const token = process.env.LOMS_ADMIN_TOKEN;
  return stockClient(url, {
    fetch: createDirectFetch(),
    ...token && { headers: { authorization: `Bearer ${token}` } },
  });
}

/** What went wrong, for programs and for people. */
function failureOf(error: unknown): { data: object; lines: readonly string[] } {
  if (error instanceof FileError) {
    const shown = error.errors.slice(0, FILE_ERRORS_SHOWN_MAX);
    const unnamed = error.errors.length - shown.length;
    return {
      data: { code: "invalid_argument", detail: error.message, lines: error.errors },
      lines: [
        ...shown.map(({ line, message }) => `line ${line}: ${message}`),
        ...unnamed > 0 ? [`and ${unnamed} more`] : [],
        "nothing was sent",
      ],
    };
  }
  if (error instanceof ImportError) {
    const { data, lines } = failureOf(error.cause);
    const advice = "what came before is set; once that is settled, run it again with the same file";
    return { data: { ...data, import: error.message }, lines: [error.message, ...lines, advice] };
  }
  if ((error as NodeJS.ErrnoException).code === "ENOENT") {
    const detail = `there is no file ${(error as NodeJS.ErrnoException).path}`;
    return { data: { code: "invalid_argument", detail }, lines: [detail] };
  }
  const refusal = refusalOf(error);
  const { status } = refusal.data;
  return status === 401
    ? { ...refusal, lines: [...refusal.lines, "LOMS_ADMIN_TOKEN must be that of loms"] }
    : refusal;
}
