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
/** Answers like an old Node. */
const OLD_NODE = `#!/bin/sh
if [ "$1" = -v ]; then echo v20.20.2; else exit 1; fi
`;

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "node-sh-"));
});
afterEach(() => rmSync(project, { recursive: true }));

/** Runs a script that begins with the guard, in a project where `node` is found in `path`. */
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

test("a script of npm reports that Node is too old", () => {
  expect(guarded(oldNode())).toEqual({
    status: 1,
    said: "Node 24 is required, and the machine has v20.20.2: npm ci installs Node 24, " +
      "without --omit=dev or --ignore-scripts, and with NODE_ENV unset\n",
  });
});

test("a script of npm runs on the installed Node if that is new enough", () => {
  expect(guarded(dirname(findRuntime("node") as string))).toEqual({ status: 0, said: "runs\n" });
});

test("a script of npm prefers the Node of the packages to the installed one", () => {
  mkdirSync(join(project, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(project, "node_modules", ".bin", "node"), "");
  expect(guarded(oldNode())).toEqual({ status: 0, said: "runs\n" });
});

test("every script of npm that runs a TypeScript file has the guard", () => {
  const { scripts } = JSON.parse(readFileSync(PACKAGE, "utf8")) as {
    scripts: Record<string, string>;
  };
  const unguarded = Object.entries(scripts).filter(([, command]) => {
    const [first = ""] = command.split("&&");
    return /(^|\s)node .*\.ts/.test(first) && !command.startsWith(". ./stack/node.sh; ");
  });
  expect(unguarded).toEqual([]);
});
