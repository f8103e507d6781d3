import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import process from "node:process";
import { INT64_MAX } from "../../proto/loms/v1/limits.ts";
import { STOCK_PAGE_MAX, STOCK_TEXT_MAX, stockText } from "../../proto/stock-api.ts";
import type { StockMovement, StockRow } from "../clients/gen/stock/types.gen.ts";
import type { StockApi } from "../clients/gen/stock/sdk.gen.ts";
import { type Outcome, UsageError, wholeNumber } from "../tool.ts";
import { importLines } from "./import-file.ts";
import { readStockFile } from "./read-stock-file.ts";

const OPTIONS = ["reason", "reference"] as const;
type OptionName = (typeof OPTIONS)[number];
export type StockOptions = Readonly<Partial<Record<OptionName, string | undefined>>>;

export interface StockCommand {
  /** Arguments by name, as the usage shows them. */
  readonly takes: readonly string[];
  /** Whether an option that it takes is required. */
  readonly options: Readonly<Partial<Record<OptionName, "required" | "optional">>>;
  /** The description in the usage, one line. */
  readonly about: string;
  run(api: StockApi, words: readonly string[], options: StockOptions): Promise<Outcome>;
}

/** Prints a line for people, beside the answer. */
const note = (line: string) => void process.stderr.write(`${line}\n`);

const orThrow = { throwOnError: true } as const;

/** The commands of an operator, by name. */
export const COMMANDS: Readonly<Record<string, StockCommand>> = {
  list: {
    takes: [],
    options: {},
    about: "lists the stock of every SKU",
    async run(api) {
      const items = await everyPage<StockRow>(async (last) => {
        const body = { after: last?.sku ?? 0n, limit: STOCK_PAGE_MAX };
        return (await api.stockList({ body, ...orThrow })).data.items;
      });
      return { data: { items }, lines: [STOCK_HEAD, ...items.map(stockLine)] };
    },
  },
  receive: {
    takes: ["SKU", "N"],
    options: { reason: "required", reference: "optional" },
    about: "adds N units that arrived, or takes out -N that left",
    async run(api, [sku = "", count = ""], { reason = "", reference: given }) {
      const line = {
        sku: wholeNumber("SKU", sku, 1n),
        count: Number(wholeNumber("N", count, -INT64_MAX)),
      };
      const reference = given ?? newReference();
      const body = { lines: [line], reason, reference };
      return changed((await api.stockReceive({ body, ...orThrow })).data.lines);
    },
  },
  count: {
    takes: ["SKU", "N"],
    options: { reason: "optional", reference: "optional" },
    about: "sets the N units that were counted",
    async run(api, [sku = "", total = ""], { reason = "count", reference: given }) {
      const line = { sku: wholeNumber("SKU", sku, 1n), total_count: wholeNumber("N", total, 0n) };
      const reference = given ?? newReference();
      const body = { lines: [line], reason, reference };
      return changed((await api.stockCount({ body, ...orThrow })).data.lines);
    },
  },
  moves: {
    takes: ["SKU"],
    options: {},
    about: "lists the movements of a SKU",
    async run(api, [word = ""]) {
      const sku = wholeNumber("SKU", word, 1n);
      const movements = await everyPage<StockMovement>(async (last) => {
        const body = { sku, after: last?.id ?? 0n, limit: STOCK_PAGE_MAX };
        return (await api.stockMovements({ body, ...orThrow })).data.movements;
      });
      return { data: { movements }, lines: [MOVEMENT_HEAD, ...movements.map(movementLine)] };
    },
  },
  import: {
    takes: ["FILE"],
    options: { reference: "required", reason: "optional" },
    about: "sets the counted units of each SKU of a file, JSON or CSV",
    async run(api, [file = ""], { reference = "", reason }) {
      const lines = readStockFile(await readFile(file, "utf8"));
      const calls = await importLines(api, lines, {
        reference,
        reason: reason ?? [...`import of ${basename(file)}`].slice(0, STOCK_TEXT_MAX).join(""),
        onProgress: (done) => note(`${done} of ${lines.length} lines are set`),
      });
      return {
        data: { lines: lines.length, calls, reference },
        lines: [`${lines.length} lines are set, under ${reference}#1 to #${calls}`],
      };
    },
  },
};

/**
 * Checks the arguments of a command.
 * @throws {UsageError} naming an argument that is missing, unknown or malformed
 */
export function checkUsage(
  name: string,
  { takes, options }: StockCommand,
  words: readonly string[],
  given: StockOptions,
): void {
  const missing = takes[words.length];
  if (missing !== undefined) throw new UsageError(`${name} lacks ${missing}`);
  if (words.length > takes.length) throw new UsageError(`${name} takes no "${words.at(-1)}"`);
  const lacking = OPTIONS.find((option) => options[option] === "required" && !(option in given));
  if (lacking) throw new UsageError(`${name} lacks --${lacking}`);
  for (const option of OPTIONS) {
    if (given[option] === undefined) continue;
    if (!options[option]) throw new UsageError(`${name} takes no --${option}`);
    const [issue] = stockText.safeParse(given[option]).error?.issues ?? [];
    if (issue) throw new UsageError(`--${option} ${issue.message}`);
  }
}

export function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { takes, options, about }]) => {
    const shown = Object.entries(options).map(([option, need]) => {
      const named = `--${option} ${option.toUpperCase()}`;
      return need === "required" ? named : `[${named}]`;
    });
    return `  ${[name, ...takes, ...shown].join(" ")}\n      ${about}`;
  });
  return `npm run stock -- COMMAND …        runs one command
npm run stock -- --json COMMAND … prints the answer, or the problem, as JSON

${lines.join("\n")}

A REFERENCE names a change, as a delivery note does: sent again under the same one, it gets the
first answer and changes nothing. Without one, receive and count print one of their own.

import sets total_count; it ignores "reserved" in a file, which belongs to orders.
JSON is [{"sku": 1, "total_count": 2}, …], CSV has a header: sku,total_count. Every line is checked
before any is sent. They are sent in calls of a thousand, under REFERENCE#1, REFERENCE#2 and so
on. To continue after an interruption, run the import again.

Exit code 0: done. 1: refused, or no answer. 2: usage error. It uses the system that npm start
runs; LOMS_ADMIN_URL names another one, LOMS_ADMIN_TOKEN is its token.
`;
}

async function everyPage<Row>(page: (last: Row | undefined) => Promise<readonly Row[]>) {
  const all: Row[] = [];
  for (;;) {
    const rows = await page(all.at(-1));
    for (const row of rows) all.push(row);
    if (rows.length < STOCK_PAGE_MAX) return all;
  }
}

function changed(lines: readonly StockRow[]): Outcome {
  return { data: { lines }, lines: [STOCK_HEAD, ...lines.map(stockLine)] };
}

/** A reference, printed before the call, so that a call without an answer can be repeated. */
function newReference(): string {
  const reference = `npm run stock ${randomUUID()}`;
  note(`reference ${reference}`);
  return reference;
}

const WIDTH = 12;
const columns = (...cells: readonly (string | bigint)[]) =>
  cells.map((cell) => String(cell).padStart(WIDTH)).join("");

const STOCK_HEAD = columns("SKU", "TOTAL", "RESERVED", "AVAILABLE");
const MOVEMENT_HEAD = `${
  columns("ID", "CHANGE", "TOTAL")
}  KIND      AT                        WHY`;

function stockLine({ sku, total_count, reserved }: StockRow): string {
  const available = total_count > reserved ? total_count - reserved : 0n;
  return columns(sku, total_count, reserved, available);
}

function movementLine(movement: StockMovement): string {
  const { id, kind, count, total_count, reason, reference, at } = movement;
  const change = count > 0n ? `+${count}` : String(count);
  return `${columns(id, change, total_count)}  ${kind.padEnd(8)}  ${at}  ${reason} (${reference})`;
}
