import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { staleFiles } from "../../proto/stale-files.ts";
import { renderDashboard } from "./dashboard.ts";
import { DASHBOARDS } from "./dashboards.ts";

const FOLDER = "deploy/grafana/dashboards";

function generate(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const dashboard of DASHBOARDS) {
    writeFileSync(join(folder, `${dashboard.name}.json`), renderDashboard(dashboard));
  }
}

/** Files that are missing, obsolete or different from the sources. */
function stale(): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "dashboards-"));
  try {
    generate(fresh);
    return staleFiles(fresh, FOLDER);
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  const names = stale();
  if (names.length > 0) {
    process.stderr.write(`Not current, run "npm run generate": ${names.join(", ")}\n`);
    process.exit(1);
  }
} else {
  generate(FOLDER);
}
