import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { INT64_MAX } from "../../proto/loms/v1/schemas.ts";
import { STOCK_PAGE_MAX, STOCK_TEXT_MAX, stockText } from "../../proto/stock-api.ts";
import type { StockMovement, StockRow } from "../clients/gen/stock/types.gen.ts";
import type { StockApi } from "../clients/gen/stock/sdk.gen.ts";
import { UsageError } from "../shop/command.ts";
import { importLines } from "./import-file.ts";
import { readStockFile } from "./read-stock-file.ts";

export interface StockOptions {
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
}

export interface StockOption {
  readonly name: keyof StockOptions;
  readonly required: boolean;
}

const required = (name: keyof StockOptions): StockOption => ({ name, required: true });
const optional = (name: keyof StockOptions): StockOption => ({ name, required: false });

export interface StockOutcome {
  /** For programs; bigints are written with every digit. */
  readonly data: unknown;
  /** The same for people. */
  readonly lines: readonly string[];
}

export interface StockCommand {
  /** Arguments by name, as the usage shows them. */
  readonly takes: readonly string[];
  readonly options: readonly StockOption[];
  /** What it does, in a line. */
  readonly about: string;
  run(
    api: StockApi,
    words: readonly string[],
    options: StockOptions,
    note: Note,
  ): Promise<StockOutcome>;
}

/** Shows a line to people, beside the answer. */
type Note = (line: string) => void;

const orThrow = { throwOnError: true } as const;

/** What an operator can do, by name. */
export const COMMANDS: Readonly<Record<string, StockCommand>> = {
  list: {
    takes: [],
    options: [],
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
    options: [required("reason"), optional("reference")],
    about: "adds N units that arrived, or takes out -N that left",
    async run(api, [sku, count], { reason = "", reference: given }, note) {
      const line = { sku: wholeNumber("SKU", sku, 1n), count: Number(signed("N", count)) };
      const reference = given ?? newReference(note);
      const body = { lines: [line], reason, reference };
      return changed((await api.stockReceive({ body, ...orThrow })).data.lines);
    },
  },
  count: {
    takes: ["SKU", "N"],
    options: [optional("reason"), optional("reference")],
    about: "sets the N units that were counted",
    async run(api, [sku, total], { reason = "count", reference: given }, note) {
      const line = { sku: wholeNumber("SKU", sku, 1n), total_count: wholeNumber("N", total, 0n) };
      const reference = given ?? newReference(note);
      const body = { lines: [line], reason, reference };
      return changed((await api.stockCount({ body, ...orThrow })).data.lines);
    },
  },
  moves: {
    takes: ["SKU"],
    options: [],
    about: "lists the movements of a SKU",
    async run(api, [word]) {
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
    options: [required("reference"), optional("reason")],
    about: "sets what was counted of each SKU of a file, JSON or CSV",
    async run(api, [file = ""], { reference = "", reason }, note) {
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
 * Checks what a command was given.
 * @throws {UsageError} naming what is missing, too much or not understood
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
  const lacking = options.find((option) => option.required && given[option.name] === undefined);
  if (lacking) throw new UsageError(`${name} lacks --${lacking.name}`);
  for (const option of ["reason", "reference"] as const) {
    if (given[option] !== undefined) checkOption(name, options, option, given[option]);
  }
}

function checkOption(
  command: string,
  known: readonly StockOption[],
  name: StockOption["name"],
  value: string,
): void {
  if (!known.some((option) => option.name === name)) {
    throw new UsageError(`${command} takes no --${name}`);
  }
  const [issue] = stockText.safeParse(value).error?.issues ?? [];
  if (issue) throw new UsageError(`--${name} ${issue.message}`);
}

async function everyPage<Row>(page: (last: Row | undefined) => Promise<readonly Row[]>) {
  const all: Row[] = [];
  for (;;) {
    const rows = await page(all.at(-1));
    for (const row of rows) all.push(row);
    if (rows.length < STOCK_PAGE_MAX) return all;
  }
}

function changed(lines: readonly StockRow[]): StockOutcome {
  return { data: { lines }, lines: [STOCK_HEAD, ...lines.map(stockLine)] };
}

/** A reference, noted before the call, so that one without an answer can be repeated. */
function newReference(note: Note): string {
  const reference = `npm run stock ${randomUUID()}`;
  note(`reference ${reference}`);
  return reference;
}

const SIGNED = /^[+-]?[0-9]{1,19}$/;

function signed(name: string, word: string | undefined): bigint {
  if (!SIGNED.test(word ?? "")) throw new UsageError(`${name} is a whole number, not "${word}"`);
  return BigInt((word as string).replace("+", ""));
}

function wholeNumber(name: string, word: string | undefined, min: bigint): bigint {
  const value = signed(name, word);
  if (value >= min && value <= INT64_MAX) return value;
  throw new UsageError(`${name} is a whole number from ${min}, not "${word}"`);
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
