import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { generateClient } from "../tools/openapi/clients.ts";

const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");

/** The settings of a project that uses the clients in a browser. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    module: "nodenext",
    types: [],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
  },
  include: ["**/*.ts"],
};

const USE = `
import { CartApi } from "./cart/sdk.gen.ts";
import { LomsApi } from "./loms/sdk.gen.ts";
const path = { user_id: 1n, sku_id: 2n };
const cart = new CartApi();
await cart.addItem({ path, body: { count: 3 } });
const { data, error } = await cart.checkout({ path: { user_id: 1n } });
export const orderID: bigint | undefined = data?.order_id ?? error?.order_id;
await new LomsApi().orderPay({ body: { orderID: 1n } });
// @ts-expect-error an id is a bigint
await cart.addItem({ path: { user_id: 1, sku_id: 2n }, body: { count: 3 } });
// @ts-expect-error a count is a number
await cart.addItem({ path, body: { count: 3n } });
// @ts-expect-error no such field
await cart.addItem({ path, body: { count: 3, price: 1 } });
// @ts-expect-error an order has items
await new LomsApi().orderCreate({ body: { user: 1n } });
`;

interface Compiled {
  readonly code: number;
  readonly output: string;
}

function compile(folder: string): Promise<Compiled> {
  return new Promise((resolve) => {
    execFile(process.execPath, runsTsc(folder), (error, stdout) => {
      resolve({ code: error ? 1 : 0, output: stdout });
    });
  });
}

function runsTsc(folder: string): string[] {
  const deno = "deno" in process.versions ? ["run", "-A"] : [];
  return [...deno, TSC, "-p", folder];
}

test("the generated clients compile strictly, and refuse undescribed calls", async () => {
  const folder = mkdtempSync(join(tmpdir(), "marketplace-clients-"));
  try {
    await generateClient("docs/api/cart.json", join(folder, "cart"), "CartApi", true);
    await generateClient("docs/api/loms.json", join(folder, "loms"), "LomsApi", true);
    writeFileSync(join(folder, "use.ts"), USE);
    writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    expect(await compile(folder)).toEqual({ code: 0, output: "" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
