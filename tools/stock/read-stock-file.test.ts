import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FileError } from "./lines-of-json.ts";
import { readStockFile } from "./read-stock-file.ts";

const MAX = "9223372036854775807";

/** The errors of a file, as printed. */
function errorsOf(contents: string): string[] {
  try {
    readStockFile(contents);
  } catch (error) {
    if (error instanceof FileError) {
      return error.errors.map(({ line, message }) => `${line}: ${message}`);
    }
    throw error;
  }
  return [];
}

test("readStockFile() reads stock-data.json and ignores reserved", () => {
  const path = new URL("../../drizzle/stock-data.json", import.meta.url);
  const rows = readStockFile(readFileSync(path, "utf8"));
  expect(rows).toHaveLength(21);
  expect(rows[0]).toEqual({ sku: 1002, total_count: 200n });
});

test("readStockFile() reads JSON on one line, with every digit", () => {
  expect(readStockFile(`[{"sku":1,"total_count":${MAX},"reserved":"?"},{"sku":2,"total_count":0}]`))
    .toEqual([{ sku: 1, total_count: 2n ** 63n - 1n }, { sku: 2, total_count: 0n }]);
  expect(readStockFile(" [ ] \n")).toEqual([]);
});

test.each([
  ["commas", `sku,total_count\n1,2\n3,${MAX}\n`],
  ["columns in another order", `total_count,reserved,sku\n2,9,1\n${MAX},,3`],
  ["the format of spreadsheets", `\uFEFF"sku";"total_count"\r\n"1"; "2"\r\n\r\n3;${MAX}\r\n`],
  ["tabs", `sku\ttotal_count\n1\t2\n3\t${MAX}`],
])("readStockFile() reads CSV with %s", (_what, text) => {
  expect(readStockFile(text)).toEqual([
    { sku: 1, total_count: 2n },
    { sku: 3, total_count: 2n ** 63n - 1n },
  ]);
});

describe("readStockFile() reports every error with its line", () => {
  test("in JSON", () => {
    const text = `[
      { "sku": 1, "total_count": 2 },
      { "sku": 0, "total_count": -1 },
      {
        "sku": 5
      },
      { "sku": 1, "total_count": 2 },
      { "sku": 6, "total_count": 1.0 },
      { "sku": 7, "total_count": 1, "price": 2 },
      { "sku": 8 "total_count": 1 }
    ]`;
    expect(errorsOf(text)).toEqual([
      "3: sku must be an integer from 1 to 4294967295, got 0; " +
      `total_count must be an integer from 0 to ${MAX}, got -1`,
      `4: total_count must be an integer from 0 to ${MAX}, got nothing`,
      "7: sku 1 is on line 2 already",
      `8: total_count must be an integer from 0 to ${MAX}, got 1.0`,
      "9: price is not a known field",
      "10: must be JSON",
    ]);
  });

  test("in CSV", () => {
    expect(errorsOf("sku,total_count\n1,2\n\n1,3\n4\n5,many\n")).toEqual([
      "4: sku 1 is on line 2 already",
      "5: must have as many cells as the header",
      `6: total_count must be an integer from 0 to ${MAX}, got "many"`,
    ]);
  });

  test.each([
    ["", "1: is empty"],
    ["sku,count\n1,2", '1: "count" is not a column: sku, total_count, reserved'],
    ["sku,reserved\n1,2", "1: column total_count is missing"],
    ["sku,sku,total_count", "1: a column is repeated"],
    ["1,2\n3,4", '1: "1" is not a column: sku, total_count, reserved'],
    ['{"sku": 1}', "1: must be a JSON array"],
    ['[\n{"sku":1,"total_count":1},\n7]', "3: must be an object, and the array must end"],
    ['[{"sku":1,"total_count":1}', "1: must be an object, and the array must end"],
    ['[{"sku":1,"total_count":1}\n{"sku":2}]', "1: must be an object, and the array must end"],
  ])("in %j", (text, error) => expect(errorsOf(text)).toContain(error));
});
