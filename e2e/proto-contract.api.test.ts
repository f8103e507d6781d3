import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROJECT_DIRECTORY } from "../stack/services.ts";

const BUF = join(PROJECT_DIRECTORY, "node_modules/.bin/buf");
/** The arguments of buf in `npm run check`. */
const BREAKING = ["breaking", "--against", "proto/released.binpb"];

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "proto-contract-"));
});
afterAll(async () => {
  await rm(copy, { recursive: true });
});

/** The findings of buf in a copy of the contract, changed by `change`, outside a repository. */
async function findings(
  args: readonly string[],
  change: (proto: string) => string = (proto) => proto,
): Promise<string> {
  for (const name of ["buf.yaml", "proto"]) {
    await cp(join(PROJECT_DIRECTORY, name), join(copy, name), { recursive: true });
  }
  const path = join(copy, "proto/loms/v1/loms.proto");
  await writeFile(path, change(await readFile(path, "utf8")));
  const run = promisify(execFile)(BUF, [...args], { cwd: copy });
  return await run.then(() => "", (failure: { stdout: string }) => failure.stdout);
}

test("the contract follows the rules and is compatible with the released one", async () => {
  expect(await findings(["lint"])).toBe("");
  expect(await findings(BREAKING)).toBe("");
});

test("a new field is compatible", async () => {
  const wider = (proto: string) =>
    proto.replace("uint32 skus_total = 3;", "uint32 skus_total = 3;\n  string reason = 4;");
  expect(await findings(BREAKING, wider)).toBe("");
});

test.each([
  ["a field with another number", "uint32 count = 2;", "uint32 count = 3;"],
  ["a field of another type", "int64 user = 1;", "int32 user = 1;"],
  ["a field of another name", "uint32 skus_total", "uint32 total"],
  ["a field of another JSON name", `"orderID"`, `"orderId"`],
  ["a method that is gone", /.*rpc OrderCancel.*\n/, ""],
])("%s is refused", async (_title, was, is) => {
  const found = await findings(BREAKING, (proto) => proto.replace(was, is));
  expect(found).toMatch(/loms\.proto:[0-9]+:[0-9]+:.*(field|rpc)/i);
});
