import { writeFile } from "node:fs/promises";
import stock from "./stock-data.json" with { type: "json" };
import { stockMigration } from "./stock-migration.ts";

const target = new URL("./loms/migrations/0001_stock-data.sql", import.meta.url);
await writeFile(target, stockMigration(stock));
