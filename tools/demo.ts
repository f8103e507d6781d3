import { join } from "node:path";
import process from "node:process";
import { isStandIn } from "./demo/agreed-price.ts";
import { Narrator } from "./demo/narrator.ts";
import { runStory } from "./demo/story.ts";
import { findStack } from "./tool.ts";

const { CART_URL, LOMS_URL, LOMS_ADMIN_TOKEN } = process.env;
const stack = findStack();
const cart = CART_URL || stack?.urls.cart;
const loms = LOMS_URL || stack?.urls.loms;
// Notifications of another system are not in the log of our notifier.
const isOurs = !CART_URL && !LOMS_URL;
const notifierLog = stack && isOurs ? join(stack.logDirectory, "notifier.log") : undefined;

const narrator = new Narrator((line) => void process.stdout.write(`${line}\n`));
if (!cart || !loms) {
  process.stderr.write("demo: nothing runs here: npm start first, or set CART_URL and LOMS_URL\n");
  process.exitCode = 1;
} else {
  try {
    const brokers = isOurs ? stack?.kafkaBrokers : undefined;
    const { products, lomsAdmin } = stack?.urls ?? {};
    const keeper = isOurs && products && lomsAdmin && await isStandIn(products)
      ? { products, lomsAdmin, lomsAdminToken: LOMS_ADMIN_TOKEN || undefined }
      : undefined;
    await runStory(narrator, { cart, loms, keeper, notifierLog, brokers });
    process.stdout.write(`\ndemo: ${narrator.steps} steps, all as promised\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stdout.write(`\ndemo: step ${narrator.steps} (${narrator.title}): ${reason}\n`);
    process.exitCode = 1;
  }
}
