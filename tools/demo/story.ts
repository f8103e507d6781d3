import { UINT16_MAX } from "../../proto/loms/v1/limits.ts";
import { BrokenPromise, type Narrator } from "./narrator.ts";
import { readKafkaEvents } from "./kafka-events.ts";
import { waitForNotifications } from "../notifications.ts";
import { agreeToATotal, type Shopkeeper } from "./agreed-price.ts";
import { newUser, Shop, type StoryOrder } from "./shop.ts";

/** The parts of a running system. */
export interface System {
  readonly cart: string;
  readonly loms: string;
  /** Undefined if prices and stock cannot be changed; then the demo is shorter. */
  readonly keeper: Shopkeeper | undefined;
  /** Where notifications can be read, if anywhere. */
  readonly notifierLog: string | undefined;
  /** The addresses of Apache Kafka, comma separated. */
  readonly brokers: string | undefined;
}

/** Products of the test data, those with little stock first; each run buys a few. */
const SKUS = [773297411, 2956315, 1148162, 2618151, 2958025, 3618852, 5097510, 139275865];
/** The maximum that the demo takes of one SKU, and one for the faster buyer. */
const NEEDED = 4;

/**
 * Makes the purchases of the demo. Its expectations follow from the stock that it finds, so it can
 * run on the same data again. No other buyer may buy the same SKUs meanwhile.
 * @throws {BrokenPromise} with the expected and the actual value
 */
export async function runStory(narrator: Narrator, system: System): Promise<void> {
  const { keeper, notifierLog, brokers } = system;
  const shop = new Shop(narrator, system);
  const [first, second] = await findStock(shop);
  const paid = await buyAndPay(shop, first, second);
  const cancelled = await buyAndCancel(shop, { ...first, available: first.available - 2 });
  const agreed = keeper ? [await agreeToATotal(shop, keeper)] : [];
  const short = await comeTooLate(shop, { ...first, available: first.available - 2 });
  await shop.stockIs("The stock of the payed units is gone", first.sku, first.available - 2);
  await shop.stockIs("Of the other product, too", second.sku, second.available - 1);
  if (notifierLog) {
    const orders = [paid, cancelled, ...agreed, ...short];
    await showNotifications(narrator, notifierLog, orders);
    if (brokers) await showKafka(narrator, brokers, orders);
  }
}

interface Stock {
  readonly sku: number;
  readonly available: number;
}

async function findStock(shop: Shop): Promise<[Stock, Stock]> {
  const found: Stock[] = [];
  for (const sku of SKUS) {
    const available = await shop.stock(`The stock of ${sku}`, sku);
    if (available >= NEEDED && available <= UINT16_MAX) found.push({ sku, available });
    const [first, second] = found;
    if (first && second) return [first, second];
  }
  throw new BrokenPromise("everything is sold out: npm run reset, and start again");
}

async function buyAndPay(shop: Shop, first: Stock, second: Stock): Promise<StoryOrder> {
  const user = newUser();
  const items = [{ sku: first.sku, count: 2 }, { sku: second.sku, count: 1 }] as const;
  await shop.add(`User ${user} adds two of the first product to the cart`, user, items[0]);
  await shop.add("and one of the second", user, items[1]);
  await shop.list("The cart has names and prices, and their total", user, items);
  const order = await shop.checkout("Check out", user);
  await shop.cart("The cart is empty now", "GET", user, "/list", { expected: 404 });
  await shop.stockIs("Two are reserved", first.sku, first.available - 2);
  const facts = { user, items };
  await shop.orderIs("The order awaits payment", order, { status: "awaiting payment", ...facts });
  await shop.loms("Pay", "order/pay", { orderID: order });
  await shop.orderIs("The order is payed", order, { status: "payed", ...facts });
  return { order, statuses: ["new", "awaiting payment", "payed"] };
}

async function buyAndCancel(shop: Shop, { sku, available }: Stock): Promise<StoryOrder> {
  const user = newUser();
  const items = [{ sku, count: 1 }] as const;
  await shop.add("A second buyer adds one", user, items[0]);
  const order = await shop.checkout("and checks out", user);
  await shop.stockIs("One is reserved", sku, available - 1);
  await shop.loms("but then cancels", "order/cancel", { orderID: order });
  const facts = { status: "cancelled", user, items, reason: "buyer" };
  await shop.orderIs("The order is cancelled", order, facts);
  await shop.stockIs("The unit is available again", sku, available);
  await payAndLookBack(shop, user, order);
  return { order, statuses: ["new", "awaiting payment", "cancelled"], reason: "buyer" };
}

/** A payment arrives after its order was cancelled; then the buyer lists the orders. */
async function payAndLookBack(shop: Shop, user: number, cancelled: number): Promise<void> {
  const title = "The payment arrives after the order was cancelled";
  const { body } = await shop.loms(title, "order/pay", { orderID: cancelled }, 412);
  shop.narrator.check("the code", body.code, "failed_precondition");
  shop.narrator.say("npm run orders -- late-payments lists it");
  const orders = [{ orderID: cancelled, status: "cancelled" }];
  await shop.ordersAre("The buyer lists the orders", { user }, orders);
  await shop.ordersAre("and those that are payed", { user, statuses: ["payed"] }, []);
}

async function comeTooLate(shop: Shop, { sku, available }: Stock): Promise<StoryOrder[]> {
  const [slow, fast] = [newUser(), newUser()];
  const items = [{ sku, count: available }] as const;
  await shop.add("A third buyer adds all that is left", slow, items[0]);
  await shop.add("A fourth adds one", fast, { sku, count: 1 });
  const taken = await shop.checkout("and checks out first", fast);
  const short = { sku, requested: available, available: available - 1 };
  const problem = await shop.checkoutFails("The third is too late", slow, { skus: [short] });
  const failed = problem.order_id as number;
  const facts = { status: "failed", user: slow, items, reason: "out_of_stock" };
  await shop.orderIs("That order has failed", failed, facts);
  await shop.list("and the cart is unchanged", slow, items);
  await shop.cart("The third gives up", "DELETE", slow, "", { expected: 204 });
  await shop.loms("The fourth cancels, too", "order/cancel", { orderID: taken });
  return [
    { order: taken, statuses: ["new", "awaiting payment", "cancelled"], reason: "buyer" },
    { order: failed, statuses: ["new", "failed"], reason: "out_of_stock" },
  ];
}

async function showNotifications(
  narrator: Narrator,
  notifierLog: string,
  orders: readonly StoryOrder[],
): Promise<void> {
  narrator.begin("The notifications of these orders");
  const shown = await waitForNotifications(notifierLog, ...expectedOf(orders));
  for (const { order_id, seq, user_id, status, reason } of shown) {
    const what = reason === undefined ? `"${status}"` : `"${status}", reason ${reason}`;
    narrator.say(`order ${order_id}, ${seq}: user ${user_id} is notified of ${what}`);
  }
  for (const { order, statuses, reason } of orders) {
    const own = shown.filter(({ order_id }) => order_id === order);
    const expected = statuses.map((status, i) => ({ status, seq: i + 1 }));
    const notified = own.map(({ status, seq }) => ({ status, seq }));
    narrator.check(`the notifications of order ${order}`, notified, expected);
    narrator.check(`the reason of order ${order}`, own.at(-1)?.reason, reason);
  }
}

async function showKafka(
  narrator: Narrator,
  brokers: string,
  orders: readonly StoryOrder[],
): Promise<void> {
  narrator.begin(`The events on Apache Kafka at ${brokers}`);
  const found = await readKafkaEvents(brokers, ...expectedOf(orders));
  for (const { order, seq, position } of found) {
    narrator.say(`order ${order}, ${seq}: ${position}`);
  }
  for (const { order, statuses } of orders) {
    const own = found.filter((event) => event.order === order);
    const seqs = [...new Set(own.map(({ seq }) => seq))];
    narrator.check(`seq of order ${order} on Kafka`, seqs, statuses.map((_, i) => i + 1));
  }
}

/** The ids of the orders, and how many events they have together. */
function expectedOf(orders: readonly StoryOrder[]): [ids: number[], events: number] {
  return [orders.map(({ order }) => order), orders.flatMap(({ statuses }) => statuses).length];
}
