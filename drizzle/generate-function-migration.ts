import process from "node:process";
import { fileURLToPath } from "node:url";
import { changedFunctions, writeFunctionMigration } from "./function-migration.ts";

// Writes the migration that brings loms' functions to the text of their files; with --check only
// reports a missing migration.

const folder = fileURLToPath(new URL("loms", import.meta.url));
const changed = changedFunctions(folder);
if (changed.length > 0 && process.argv.includes("--check")) {
  console.error(`${changed.length} functions differ from the migrations: run "npm run generate"`);
  process.exit(1);
}
if (changed.length > 0) console.log(`wrote ${writeFunctionMigration(folder, changed)}`);
