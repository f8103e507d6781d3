import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import stock from "./stock-data.json" with { type: "json" };
import { stockMigration } from "./stock-migration.ts";

test("the committed stock migration is what stock-data.json generates", async () => {
  const committed = new URL("./loms/migrations/0001_stock-data.sql", import.meta.url);
  expect(await readFile(committed, "utf8")).toBe(stockMigration(stock));
});

test("stockMigration() loads every row once, by one statement", () => {
  const skus = stock.map(({ sku }) => sku);
  expect(new Set(skus).size).toBe(skus.length);
  expect(stockMigration([{ sku: 4294967295, total_count: 100, reserved: 101 }])).toContain(
    "values\n  (4294967295, 100, 101);\n",
  );
});
