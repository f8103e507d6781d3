import { join } from "node:path";
import process from "node:process";
import { jsonIntegers } from "../shared/json.ts";
import { ProductClient } from "../shared/products/product-client.ts";
import { VERSION } from "../shared/telemetry/version.ts";
import { cartClient, lomsClient } from "./clients/clients.ts";
import { reach } from "./clients/reach.ts";
import { followNotifications } from "./notifications.ts";
import { readArguments, type Shop } from "./shop/command.ts";
import { COMMANDS, isCommand, usage, WATCH } from "./shop/commands.ts";
import { runSession } from "./shop/session.ts";
import { findStack, findUrls, runTool, ToolError, UsageError } from "./tool.ts";

await runTool({
  name: "shop",
  usage,
  options: { json: { type: "boolean" } },
  async run([name, ...words], { json = false }) {
    const shop = findShop();
    try {
      if (name === "watch") return await watch(shop, words, json);
      if (name !== undefined) {
        if (!isCommand(name)) throw new UsageError(`there is no "${name}", see --help`);
        return await COMMANDS[name].run(shop, readArguments(name, COMMANDS[name].takes, words));
      }
      const terminal = { input: process.stdin, output: process.stdout };
      if (!await runSession(shop, terminal)) process.exitCode = 1;
      return undefined;
    } finally {
      shop.products.close();
    }
  },
});

/** The system that the environment names, else the one that runs in this folder. */
function findShop(): Shop {
  const stack = findStack();
  const { cart: CART_URL, loms: LOMS_URL, products: PRODUCT_URL } = stack?.urls ?? {};
  const urls = findUrls({ CART_URL, LOMS_URL, PRODUCT_URL }) as [string, string, string];
  const [cart, loms, products] = urls;
  return {
    cart: cartClient(...reach(cart)),
    loms: lomsClient(...reach(loms)),
    products: new ProductClient({
      url: products,
      token: process.env.PRODUCT_TOKEN || "testtoken",
      userAgent: `marketplace-shop/${VERSION}`,
      cacheTtlMs: 0,
    }),
    // Notifications of another system are not in the log of our notifier.
    notifierLog: cart === stack?.urls.cart ? join(stack.logDirectory, "notifier.log") : undefined,
  };
}

async function watch(shop: Shop, words: readonly string[], json: boolean): Promise<undefined> {
  const { user } = readArguments("watch", WATCH.takes, words);
  if (shop.notifierLog === undefined) {
    throw new ToolError("notifications are in the notifier's log, which is not known here");
  }
  const stopped = new Promise<void>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop());
  });
  const tail = followNotifications(shop.notifierLog, (notification) => {
    const { order_id, user_id, status, at } = notification;
    if (user !== 0n && BigInt(user_id) !== user) return;
    const text = json
      ? JSON.stringify(notification, jsonIntegers)
      : `${at} order ${order_id} of user ${user_id} is ${status}`;
    process.stdout.write(`${text}\n`);
  });
  process.stderr.write("watching, until Ctrl-C\n");
  await stopped;
  tail.close();
}
