import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, inject, test } from "vitest";

const folder = fileURLToPath(new URL(".", import.meta.url));

test.skipIf(!inject("observed")).each([
  ["check", "config", "prometheus.yml"],
  ["test", "rules", "rules-test/marketplace.yml"],
])("promtool %s %s accepts %s", (...command) => {
  const { status, stdout, stderr } = spawnSync("promtool", command, { cwd: folder });
  expect(`${stdout}${stderr}`).toContain("SUCCESS");
  expect(status).toBe(0);
});
