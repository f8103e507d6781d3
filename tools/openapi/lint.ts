import process from "node:process";
import { formatProblems, getTotals, lint, loadConfig } from "@redocly/openapi-core";

const RULES = "tools/openapi/redocly.yaml";
const DOCUMENTS = ["docs/api/cart.json", "docs/api/loms.json", "docs/api/stock.json"];
const OLDER_DOCUMENTS = [
  "docs/api/cart-3.0.json",
  "docs/api/loms-3.0.json",
  "docs/api/stock-3.0.json",
];
const EVENTS = "docs/api/events.yaml";

const config = await loadConfig({ configPath: RULES });
for (const ref of [...DOCUMENTS, ...OLDER_DOCUMENTS, EVENTS]) {
  const problems = await lint({ ref, config });
  if (problems.length === 0) continue;
  formatProblems(problems, { totals: getTotals(problems), color: process.stdout.isTTY });
  process.exitCode = 1;
}
