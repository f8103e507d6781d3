import { z } from "zod";
import { int64Amount, skuNumber } from "../../proto/loms/v1/schemas.ts";
import { AppError } from "../../shared/errors.ts";
import { parseJsonBody } from "../../shared/json.ts";
import { violationsOf } from "../../shared/violations.ts";
import { FileError, type LineError, objectsOf, type TextAt } from "./lines-of-json.ts";

/** The counted units of one SKU. */
export interface CountedLine {
  readonly sku: number;
  readonly total_count: bigint;
}

/** `reserved` belongs to orders, so a file's value is ignored. */
const cells = z.strictObject({ sku: skuNumber, total_count: int64Amount, reserved: z.unknown() })
  .partial({ reserved: true });
const row = cells.transform(({ sku, total_count }): CountedLine => ({ sku, total_count }));
const COLUMNS: readonly string[] = Object.keys(cells.shape);
const REQUIRED_COLUMNS = ["sku", "total_count"];
const SEPARATOR = /[,;\t]/;
const DIGITS = /^[0-9]{1,20}$/;

/**
 * The rows of a stock file: JSON as stock-data.json, or CSV with a header.
 * @throws {FileError} with every error and its line
 */
export function readStockFile(contents: string): CountedLine[] {
  const text = contents.replace(/^\uFEFF/, "");
  const errors: LineError[] = [];
  const rows: CountedLine[] = [];
  const lineOf = new Map<number, number>();
  for (const { line, value } of /^\s*[[{]/.test(text) ? readJson(text) : readCsv(text)) {
    const read = readRow(value);
    if (typeof read === "string") {
      errors.push({ line, message: read });
      continue;
    }
    const before = lineOf.get(read.sku);
    if (before !== undefined) {
      errors.push({ line, message: `sku ${read.sku} is on line ${before} already` });
    }
    lineOf.set(read.sku, before ?? line);
    rows.push(read);
  }
  if (errors.length > 0) throw new FileError(...errors);
  return rows;
}

interface ValueAt {
  readonly line: number;
  /** An error if the row cannot be read. */
  readonly value: unknown;
}

/** The row, or its error. */
function readRow(value: unknown): CountedLine | string {
  if (value instanceof AppError) return value.fields?.[0]?.message ?? value.message;
  const result = row.safeParse(value);
  if (result.success) return result.data;
  return violationsOf(result.error).map(({ path, message }) => `${path} ${message}`.trim())
    .join("; ");
}

function readJson(text: string): ValueAt[] {
  return objectsOf(text).map(({ text: object, line }) => ({ line, value: parse(object) }));
}

function parse(object: string): unknown {
  try {
    return parseJsonBody(new TextEncoder().encode(object));
  } catch (error) {
    return error;
  }
}

function* readCsv(text: string): Generator<ValueAt> {
  const lines = text.split(/\r?\n/).map((content, index): TextAt => (
    { text: content.trim(), line: index + 1 }
  )).filter((line) => line.text !== "");
  const header = lines.shift();
  if (!header) throw new FileError({ line: 1, message: "is empty" });
  const separator = SEPARATOR.exec(header.text)?.[0] ?? ",";
  const cellsOf = (line: string) => line.split(separator).map((cell) => unquoted(cell.trim()));
  const columns = cellsOf(header.text);
  checkHeader(columns, header.line);
  for (const { text: content, line } of lines) {
    const found = cellsOf(content);
    yield { line, value: found.length === columns.length ? toRow(columns, found) : WRONG_LENGTH };
  }
}

const WRONG_LENGTH = new AppError("invalid_argument", "must have as many cells as the header");

function checkHeader(columns: readonly string[], line: number): void {
  const refuse = (message: string) => {
    throw new FileError({ line, message });
  };
  const unknown = columns.find((column) => !COLUMNS.includes(column));
  if (unknown !== undefined) refuse(`"${unknown}" is not a column: ${COLUMNS.join(", ")}`);
  const missing = REQUIRED_COLUMNS.find((column) => !columns.includes(column));
  if (missing !== undefined) refuse(`column ${missing} is missing`);
  if (new Set(columns).size < columns.length) refuse("a column is repeated");
}

function toRow(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    columns.map((column, index) => [column, numberOr(cells[index] as string)]),
  );
}

/** Digits as in JSON; other text stays, and is an error later. */
function numberOr(cell: string): unknown {
  if (!DIGITS.test(cell)) return cell;
  return Number.isSafeInteger(Number(cell)) ? Number(cell) : BigInt(cell);
}

function unquoted(cell: string): string {
  return /^"(.*)"$/.exec(cell)?.[1] ?? cell;
}
