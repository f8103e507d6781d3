import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { jsonIntegers } from "../shared/json-integer.ts";
import { type Outcome, readArguments, UsageError } from "./shop/command.ts";
import { COMMANDS, isCommand } from "./shop/commands.ts";
import { followNotifications } from "./shop/follow-notifications.ts";
import { refusalOf } from "./shop/refusal.ts";
import { runSession } from "./shop/session.ts";
import { openShop, type Shop } from "./shop/shop.ts";
import { usage, WATCH } from "./shop/usage.ts";
import type { StackFacts } from "../stack/stack-file.ts";
import { findStack, findUrl } from "./running-stack.ts";

const REFUSED = 1;
const NOT_UNDERSTOOD = 2;

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`shop: ${error.message}\n`);
  return error instanceof UsageError ? NOT_UNDERSTOOD : REFUSED;
});

async function main(): Promise<number> {
  const { json, help, words } = readCommandLine();
  if (help) {
    process.stdout.write(usage());
    return 0;
  }
  const shop = findShop();
  try {
    const [name, ...rest] = words;
    if (name === undefined) {
      const terminal = { input: process.stdin, output: process.stdout };
      return await runSession(shop, terminal) ? 0 : REFUSED;
    }
    if (name === "watch") return await watch(shop, rest, json);
    if (!isCommand(name)) throw new UsageError(`there is no "${name}", see --help`);
    const given = readArguments(name, COMMANDS[name].takes, rest);
    return show(await settle(() => COMMANDS[name].run(shop, given)), json);
  } finally {
    shop.products.close();
  }
}

function readCommandLine(): { json: boolean; help: boolean; words: string[] } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return { ...values, words: positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The one that the environment names, else the one that runs in this folder. */
function findShop(): Shop {
  const stack = findStack();
  const { cart, loms, products } = stack?.urls ?? {};
  const found = { CART_URL: cart, LOMS_URL: loms, PRODUCT_URL: products };
  const urls = Object.entries(found).map(([name, url]) => findUrl(name, url));
  const [cartUrl, lomsUrl, productUrl] = urls;
  if (!cartUrl || !lomsUrl || !productUrl) {
    throw new Error(
      "nothing runs here: npm start first, or set CART_URL, LOMS_URL and PRODUCT_URL",
    );
  }
  return openShop({
    cart: cartUrl,
    loms: lomsUrl,
    products: productUrl,
    productToken: process.env.PRODUCT_TOKEN || "testtoken",
    notifierLog: stack && logOf(stack, cartUrl),
  });
}

/** Another system's notifications are not in our notifier's log. */
function logOf({ urls, logDirectory }: StackFacts, cart: string): string | undefined {
  return cart === urls.cart ? join(logDirectory, "notifier.log") : undefined;
}

type Settled = (Outcome | ReturnType<typeof refusalOf>) & { readonly refused: boolean };

async function settle(run: () => Promise<Outcome>): Promise<Settled> {
  try {
    return { ...await run(), refused: false };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return { ...refusalOf(error), refused: true };
  }
}

/** Answers go to standard output, refusals to standard error. */
function show({ data, lines, refused }: Settled, json: boolean): number {
  const text = json ? JSON.stringify(data, jsonIntegers) : lines.join("\n");
  const output = refused ? process.stderr : process.stdout;
  output.write(`${text}\n`);
  return refused ? REFUSED : 0;
}

async function watch(shop: Shop, words: readonly string[], json: boolean): Promise<number> {
  const { user } = readArguments("watch", WATCH.takes, words);
  if (shop.notifierLog === undefined) {
    throw new Error("notifications are in the notifier's log, which is not known here");
  }
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());
  process.stderr.write("watching, until Ctrl-C\n");
  await followNotifications(shop.notifierLog, (notification) => {
    const { order_id, user_id, status, at } = notification;
    if (user !== 0n && BigInt(user_id) !== user) return;
    const text = json
      ? JSON.stringify(notification, jsonIntegers)
      : `${at} order ${order_id} of user ${user_id} is ${status}`;
    process.stdout.write(`${text}\n`);
  }, stopping.signal);
  return 0;
}
