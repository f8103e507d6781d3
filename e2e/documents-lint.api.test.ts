import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROJECT_DIRECTORY } from "../stack/services.ts";

const LINTER = join(PROJECT_DIRECTORY, "tools/openapi/lint.ts");
const NEEDED = ["docs/api", "tools/openapi/redocly.yaml"];

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "documents-lint-"));
});
afterAll(async () => {
  await rm(copy, { recursive: true });
});

/** The findings of the linter of `npm run check` in a copy with one changed document. */
async function findings(
  name: string,
  change: (text: string) => string = (text) => text,
): Promise<string> {
  for (const each of NEEDED) {
    await cp(join(PROJECT_DIRECTORY, each), join(copy, each), { recursive: true });
  }
  const path = join(copy, "docs/api", name);
  await writeFile(path, change(await readFile(path, "utf8")));
  return await new Promise((resolve) => {
    execFile(process.execPath, [LINTER], { cwd: copy }, (failure, out, error) => {
      resolve(failure ? out + error || failure.message : "");
    });
  });
}

test("the linter accepts every document", async () => {
  expect(await findings("cart.json")).toBe("");
});

test.each([
  ["an operation without a name", "cart.json", /"operationId": "addItem",/, ""],
  ["an integer without its upper bound", "loms.json", /,\s*"maximum": 9223372036854775807/, ""],
  ["an example that its schema refuses", "loms-3.0.json", /"count": 2\b/, `"count": "two"`],
  ["an event that is neither sent nor received", "events.yaml", "action: send", "action: emit"],
])("the linter refuses %s", async (_title, name, was, is) => {
  const found = await findings(name, (text) => {
    const changed = text.replace(was, is);
    expect(changed).not.toBe(text);
    return changed;
  });
  expect(found).toContain(name);
});
