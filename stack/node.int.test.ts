import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SYSTEM_PATH } from "./processes/child.ts";
import { findRuntime } from "./processes/runtimes.ts";

const GUARD = fileURLToPath(new URL("node.sh", import.meta.url));
const PACKAGE = new URL("../package.json", import.meta.url);
/** As an old Node, which the expression of the guard does not get to see. */
const OLD_NODE = `#!/bin/sh
if [ "$1" = -v ]; then echo v20.20.2; else exit 1; fi
`;

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "node-sh-"));
});
afterEach(() => rmSync(project, { recursive: true }));

/** What a script says that begins with the guard, in a project where `node` is found in `path`. */
function guarded(path: string) {
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", `. ${GUARD}; echo runs`], {
    ...{ cwd: project, env: { PATH: `${path}:${SYSTEM_PATH}` }, encoding: "utf8" },
  });
  return { status, said: `${stdout}${stderr}` };
}

function oldNode(): string {
  const path = join(project, "node");
  writeFileSync(path, OLD_NODE);
  chmodSync(path, 0o755);
  return project;
}

test("a script of npm says in one sentence that Node is too old", () => {
  expect(guarded(oldNode())).toEqual({
    status: 1,
    said: "This takes Node 24, and the machine has v20.20.2: npm ci brings Node 24 along, " +
      "without --omit=dev or --ignore-scripts, and with NODE_ENV unset\n",
  });
});

test("a script of npm runs on the machine's Node when that is new enough", () => {
  expect(guarded(dirname(findRuntime("node") as string))).toEqual({ status: 0, said: "runs\n" });
});

test("a script of npm runs with the Node among the packages, whatever the machine has", () => {
  mkdirSync(join(project, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(project, "node_modules", ".bin", "node"), "");
  expect(guarded(oldNode())).toEqual({ status: 0, said: "runs\n" });
});

test("every script of npm that begins with a TypeScript file looks for its Node first", () => {
  const { scripts } = JSON.parse(readFileSync(PACKAGE, "utf8")) as {
    scripts: Record<string, string>;
  };
  const unguarded = Object.entries(scripts).filter(([, command]) => {
    const [first = ""] = command.split("&&");
    return /(^|\s)node .*\.ts/.test(first) && !command.startsWith(". ./stack/node.sh; ");
  });
  expect(unguarded).toEqual([]);
});
