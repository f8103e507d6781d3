import { readdirSync } from "node:fs";
import process from "node:process";
import { formatProblems, getTotals, lint, loadConfig } from "@redocly/openapi-core";

const RULES = "tools/openapi/redocly.yaml";
const DOCUMENTS = "docs/api/";
/** Schemas describe a value, not an API. */
const SCHEMA = ".schema.json";

const config = await loadConfig({ configPath: RULES });
for (const name of readdirSync(DOCUMENTS).filter((each) => !each.endsWith(SCHEMA))) {
  const problems = await lint({ ref: `${DOCUMENTS}${name}`, config });
  if (problems.length === 0) continue;
  formatProblems(problems, { totals: getTotals(problems), color: process.stdout.isTTY });
  process.exitCode = 1;
}
