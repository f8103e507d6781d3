import { execFile } from "node:child_process";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, inject, test } from "vitest";
import { PROJECT_DIRECTORY } from "../stack/services.ts";
import { call } from "./http.ts";
import { openDatabase } from "./invariants/snapshot.ts";
import { shopAt } from "./shop.ts";
import { underLoad } from "./under-load.ts";
import { newUser } from "./users.ts";

const VERIFY = fileURLToPath(new URL("verify.ts", import.meta.url));
const SKU = 1_625_903;

const shop = inject("shop");
const { create, pay } = shopAt(shop);

interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** `npm run verify`, with only its environment. */
function verify(environment: Readonly<Record<string, string>>): Promise<Run> {
  return new Promise((resolve) => {
    const { PATH = "" } = process.env;
    const options = { cwd: PROJECT_DIRECTORY, env: { PATH, ...environment } };
    execFile(process.execPath, [VERIFY], options, (failure, out, error) => {
      resolve({ code: failure ? Number(failure.code) : 0, out, error });
    });
  });
}

const folder = { STACK_DATA: dirname(shop.logDirectory) };
const addresses = {
  DATABASE_URL: shop.databases.loms,
  DATABASE_REPLICA_URLS: shop.databases.lomsReplicas.join(","),
};

test("npm run verify finds no violation while orders are placed", async () => {
  await call(shop.urls.products, "DELETE /stats");
  const buyOn = async (isOpen: () => boolean) => {
    while (isOpen()) await pay(await create(newUser(), SKU, 1));
  };
  const verifying = verify(addresses);
  await underLoad((isOpen) => Promise.all([buyOn(isOpen), buyOn(isOpen)]), () => verifying);
  const { code, out, error } = await verifying;
  expect(code, out + error).toBe(0);
  expect(out).toMatch(/^stock +ok +21 SKUs$/m);
  expect(out).toMatch(/^orders on replica 1 +ok +[0-9]+ orders$/m);
  expect(out).toMatch(/\nverify: [1-9][0-9]* orders, 0 invariants broken\n$/);
});

test("npm run verify ignores other callers of the product service", async () => {
  await call(shop.urls.products, "DELETE /stats");
  const body = { token: "testtoken", sku: SKU };
  const calls = Array.from(
    { length: 20 },
    () => call(shop.urls.products, "POST /get_product", { body }),
  );
  await Promise.all(calls);
  const { code, out, error } = await verify(folder);
  expect(code, out + error).toBe(0);
  expect(out).toMatch(/^product calls +ok +0 calls of cart \(other clients made 20 calls, .*\)$/m);
});

test("npm run verify finds its stack, the notifications and the product calls", async () => {
  await call(shop.urls.products, "DELETE /stats");
  const { out } = await verify(folder);
  expect(out).toMatch(/^notifications +/m);
  expect(out).toMatch(/^product calls +ok +0 calls of cart$/m);
});

test("npm run verify reports each broken invariant, and exits with 1", async () => {
  const database = openDatabase(shop.databases.loms);
  await database`update stocks set reserved = reserved + 7 where sku = 1002`;
  try {
    const { code, out } = await verify(addresses);
    expect(code).toBe(1);
    expect(out).toMatch(/^ {2}sku 1002: reserved [0-9]+ − awaiting payment [0-9]+ is not the/m);
    expect(out).toMatch(/\nverify: [1-9][0-9]* orders, 1 invariants broken\n$/);
  } finally {
    await database`update stocks set reserved = reserved - 7 where sku = 1002`;
    await database.end();
  }
});

test("npm run verify reports that no system is running", async () => {
  const { code, out, error } = await verify({ STACK_DATA: "/nowhere" });
  expect([code, out, error]).toEqual([
    1,
    "",
    "verify: nothing runs here: npm start first, or set DATABASE_URL\n",
  ]);
});
