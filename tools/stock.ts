import process from "node:process";
import type { StockApi } from "./clients/gen/stock/sdk.gen.ts";
import { stockClient } from "./clients/clients.ts";
import { reach } from "./clients/reach.ts";
import { refusalOf } from "./refusal.ts";
import { checkUsage, COMMANDS, usage } from "./stock/commands.ts";
import { ImportError } from "./stock/import-file.ts";
import { FileError } from "./stock/lines-of-json.ts";
import { findStack, findUrls, type Outcome, runTool, UsageError } from "./tool.ts";

/** Errors of a file that are printed. */
const FILE_ERRORS_SHOWN_MAX = 20;
/** Replaces the minus sign while options are parsed, because a negative count would be one. */
const MINUS = "\u2212";

await runTool({
  name: "stock",
  usage,
  options: {
    json: { type: "boolean" },
    reason: { type: "string" },
    reference: { type: "string" },
  },
  args: process.argv.slice(2).map((word) => word.replace(/^-(?=[0-9]+$)/, MINUS)),
  async run([name, ...rest], options) {
    if (name === undefined) throw new UsageError("there is no command, see --help");
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new UsageError(`there is no "${name}", see --help`);
    const words = rest.map((word) => word.replace(MINUS, "-"));
    checkUsage(name, command, words, options);
    return await command.run(findApi(), words, options);
  },
  refusal: failureOf,
});

/** The stock API that the environment names, else the one that runs in this folder. */
function findApi(): StockApi {
  const [url = ""] = findUrls({ LOMS_ADMIN_URL: findStack()?.urls.lomsAdmin });
  const [baseUrl, connection] = reach(url);
  const token = process.env.LOMS_ADMIN_TOKEN;
  return stockClient(baseUrl, {
    ...connection,
    ...token && { headers: { authorization: `Bearer ${token}` } },
  });
}

function failureOf(error: unknown): Outcome {
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
    const advice =
      "earlier calls succeeded; after correcting the problem, run it again with the same file";
    return {
      data: { ...data as object, import: error.message },
      lines: [error.message, ...lines, advice],
    };
  }
  if ((error as NodeJS.ErrnoException).code === "ENOENT") {
    const detail = `there is no file ${(error as NodeJS.ErrnoException).path}`;
    return { data: { code: "invalid_argument", detail }, lines: [detail] };
  }
  const { data, lines } = refusalOf(error);
  const advice = data.status === 401 ? ["LOMS_ADMIN_TOKEN must be that of loms"] : [];
  return { data, lines: [...lines, ...advice] };
}
