import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const STOCK = fileURLToPath(new URL("../tools/stock.ts", import.meta.url));
const COMMAND_MAX_MS = 60_000;

/** SKUs that no other test uses. */
let nextSku = 3_500_000_000;
/** For the file that describes the stack, as `npm start` writes it, and imported files. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stock-"));
  await writeFile(join(folder, "stack.json"), JSON.stringify(shop));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Printed {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function runStock(...args: (string | number)[]): Promise<Printed> {
  const options = { env: { STACK_DATA: folder }, timeout: COMMAND_MAX_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, [STOCK, ...args.map(String)], options, (failure, out, error) => {
      resolve({ code: Number(failure?.code ?? 0), out, error });
    });
  });
}

async function fileOf(name: string, contents: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
}

const read = (text: string) => JSON.parse(text) as unknown;

test("received units can be bought, and the movements show their origin", async () => {
  const sku = nextSku++;
  const reason = ["--reason", "delivery"];
  const note = ["--reference", `note ${sku}`];
  const received = await runStock("--json", "receive", sku, 5, ...reason, ...note);
  expect(received, received.error).toMatchObject({ code: 0, error: "" });
  expect(read(received.out)).toEqual({ lines: [{ sku, total_count: 5, reserved: 0 }] });
  await shopAt(shop).create(newUser(), sku, 3);
  expect((await runStock("receive", sku, -2, "--reason", "broken")).code).toBe(0);
  const refused = await runStock("count", sku, 2);
  expect(refused.code).toBe(1);
  expect(refused.error).toMatch(/^reference npm run stock [0-9a-f-]{36}\n/);
  expect(refused.error).toContain(
    `sku ${sku} would have a total of 2, and 3 are reserved (412 failed_precondition)`,
  );
  const moves = await runStock("moves", sku);
  expect(moves.out).toMatch(/\+5 +5 {2}received .* delivery \(note \d+\)\n.* -2 +3 .* broken/);
  const list = read((await runStock("--json", "list")).out);
  expect(list).toMatchObject({
    items: expect.arrayContaining([{ sku, total_count: 3, reserved: 3 }]) as unknown,
  });
});

test("an import sets the counted totals, and can be repeated", async () => {
  const [first, last] = [nextSku, nextSku += 1_001];
  const rows = Array.from({ length: 1_001 }, (_, index) => `${first + index},${index}\n`);
  const file = await fileOf("counted.csv", `sku,total_count\n${rows.join("")}`);
  const imported = ["--json", "import", file, "--reference", `count ${first}`];
  for (const printed of [await runStock(...imported), await runStock(...imported)]) {
    expect(printed, printed.error).toMatchObject({ code: 0 });
    expect(read(printed.out)).toEqual({ lines: 1001, calls: 2, reference: `count ${first}` });
  }
  const moves = read((await runStock("--json", "moves", last - 1)).out);
  expect(moves).toMatchObject({
    movements: [{ kind: "counted", count: 1000, reference: `count ${first}#2` }],
  });
});

test("an import of a file with errors names their lines and sends nothing", async () => {
  const sku = nextSku++;
  const rows = [{ sku, total_count: 1 }, { sku, total_count: 2 }].map((row) => JSON.stringify(row));
  const file = await fileOf("wrong.json", `[\n${rows.join(",\n")}\n]`);
  const printed = await runStock("import", file, "--reference", `wrong ${sku}`);
  expect(printed).toEqual({
    code: 1,
    out: "",
    error: `line 3: sku ${sku} is on line 2 already\nnothing was sent\n`,
  });
  expect(read((await runStock("--json", "moves", sku)).out)).toEqual({ movements: [] });
});

test.each<[string[], string]>([
  [[], "there is no command, see --help"],
  [["bogus"], 'there is no "bogus", see --help'],
  [["receive", "1"], "receive lacks N"],
  [["receive", "1", "2"], "receive lacks --reason"],
  [["count", "0", "1"], 'SKU is a whole number from 1, not "0"'],
  [["count", "1", "-1"], 'N is a whole number from 0, not "-1"'],
  [["list", "1"], 'list takes no "1"'],
  [["list", "--reference", "R"], "list takes no --reference"],
  [["receive", "1", "2", "--reason", ""], "--reason must be 1 to 255 characters, got 0"],
])("a usage error has its own exit code: %j", async (args, message) => {
  expect(await runStock(...args)).toEqual({ code: 2, out: "", error: `stock: ${message}\n` });
});
