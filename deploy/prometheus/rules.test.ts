import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const rules = readdirSync(new URL("rules", import.meta.url)).map((name) => read(`rules/${name}`))
  .join("\n");
const ruleTests = read("rules-test/marketplace.yml");
const runbook = read("../../docs/runbook.md");

/** The text of each alert by its name. */
const alerts = new Map(
  rules.split(/^ +- alert: /m).slice(1).map((text) => [/^\w+/.exec(text)?.[0] ?? "", text]),
);
const names = [...alerts.keys()];
/** The text of each entry by its title. */
const entries = new Map(
  runbook.split(/^## /m).slice(1).map((text) => [/^\w+/.exec(text)?.[0] ?? "", text]),
);

test("the runbook has exactly one entry for each alert, in the same order", () => {
  expect(names.length).toBeGreaterThan(15);
  expect([...entries.keys()]).toEqual(names);
});

test("each entry has the alert's meaning, checks and actions", () => {
  for (const [name, entry] of entries) {
    const parts = Array.from(entry.matchAll(/^- \*\*(\w+)\*\*: \S/gm), ([, part]) => part);
    expect(parts, name).toEqual(["Means", "Look", "Do"]);
  }
});

test("each alert has a severity, a summary and its entry in the runbook", () => {
  for (const [name, text] of alerts) {
    expect(text, name).toMatch(/labels: \{ severity: (critical|warning) \}/);
    expect(text, name).toMatch(/summary: ".+"/);
    expect(text, name).toContain(`runbook: docs/runbook.md#${name.toLowerCase()}\n`);
  }
});

test("each alert fires in a test of the rules", () => {
  const fired = ruleTests.matchAll(/alertname="(\w+)"\}', value: 1/g);
  expect([...new Set(Array.from(fired, ([, name]) => name))].sort()).toEqual(names.toSorted());
});
