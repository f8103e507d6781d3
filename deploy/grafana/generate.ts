import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { checkGenerated, staleFiles } from "../../proto/stale-files.ts";
import { renderDashboard } from "./dashboard.ts";
import { DASHBOARDS } from "./dashboards.ts";

const FOLDER = "deploy/grafana/dashboards";

function generate(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const dashboard of DASHBOARDS) {
    writeFileSync(join(folder, `${dashboard.name}.json`), renderDashboard(dashboard));
  }
}

if (process.argv.includes("--check")) {
  await checkGenerated(join(tmpdir(), "dashboards-"), (fresh) => {
    generate(fresh);
    return staleFiles(fresh, FOLDER);
  });
} else {
  generate(FOLDER);
}
