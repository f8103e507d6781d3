import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { commandFor, type Runtime } from "../stack/processes/runtimes.ts";
import { launchBrowser, openPage } from "./browser.ts";
import type { Addresses, Receipt } from "./clients/purchase.ts";
import { openShopWindow } from "./clients/shop-window.ts";

const { cart, loms = "" } = inject("shop").urls;
const MAIN = "e2e/clients/purchase-main.ts";
/** The largest integer that a double represents exactly, one beyond it, and the maximum. */
const USERS = ["9007199254740991", "9007199254740993", "9223372036854775807"];
const RUNTIMES: Runtime[] = ["node", "deno"];

const bought = (user: string): Receipt => ({
  user,
  total: "4404",
  sku: "773297411",
  status: "payed",
  refusal: {
    code: "failed_precondition",
    orderId: expect.stringMatching(/^[1-9][0-9]*$/) as string,
    sku: "773297411",
  },
});

test.each(RUNTIMES)("the generated clients on %s buy with every digit kept", async (name) => {
  const [command = "", ...args] = commandFor(name, MAIN, ["--allow-net=127.0.0.1"]);
  const { stdout } = await promisify(execFile)(command, [...args, cart, loms, ...USERS]);
  const receipts = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Receipt);
  expect(receipts).toEqual(USERS.map(bought));
});

test("the generated clients in a browser buy with every digit kept", async () => {
  const shopWindow = await openShopWindow({ cart, loms });
  const browser = await launchBrowser();
  try {
    const { page, complaints } = await openPage(browser);
    await page.goto(shopWindow.url);
    const addresses = { cart: `${shopWindow.url}/cart`, loms: `${shopWindow.url}/loms` };
    for (const user of USERS) {
      const receipt = await page.evaluate(buyInPage, { addresses, user });
      expect(receipt).toEqual(bought(user));
    }
    // One for each refused order: a browser logs every response that is not a success.
    expect(complaints.filter((text) => !text.includes("412"))).toEqual([]);
  } finally {
    await browser.close();
    await shopWindow.close();
  }
});

/** Runs in the page. */
async function buyInPage({ addresses, user }: { addresses: Addresses; user: string }) {
  const { shop } = globalThis as unknown as { shop: typeof import("./clients/purchase.ts") };
  return await shop.purchase(addresses, BigInt(user));
}
