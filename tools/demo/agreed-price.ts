import { randomInt } from "node:crypto";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import { newUser, type Shop, type StoryOrder } from "./shop.ts";

/** A new product in each run, because cart caches prices. */
const SKU_MIN = 3_000_000_000;
const SKU_MAX = 4_000_000_000;
const DELIVERED = 10;
const COUNT = 2;
const ANNOUNCED_PRICE = 500;
const PRICE = 600;
const PROBE_TIMEOUT_MS = 2_000;

/** The parts of our own system that change prices and stock. */
export interface Shopkeeper {
  /** The stand-in for the product service. */
  readonly products: string;
  /** The stock API. */
  readonly lomsAdmin: string;
  readonly lomsAdminToken: string | undefined;
}

/** Whether the product service at the URL is the stand-in, whose prices can be changed. */
export async function isStandIn(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const response = await createDirectFetch()(`${url}/stats`, { signal });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/**
 * A buyer agrees to a total after the price has changed.
 * @throws {BrokenPromise} with the expected and the actual value
 */
export async function agreeToATotal(
  shop: Shop,
  { products, lomsAdmin, lomsAdminToken: token }: Shopkeeper,
): Promise<StoryOrder> {
  const { narrator } = shop;
  const [sku, user] = [randomInt(SKU_MIN, SKU_MAX), newUser()];
  const items = [{ sku, count: COUNT }] as const;
  const product = `${products}/products/${sku}`;
  const announced = { body: { name: `Novelty ${sku}`, price: ANNOUNCED_PRICE }, expected: 204 };
  await narrator.call("The shop announces a new product", "PUT", product, announced);
  const lines = [{ sku, count: DELIVERED }];
  await narrator.call(`and receives ${DELIVERED} of it`, "POST", `${lomsAdmin}/v1/stock/receive`, {
    body: { lines, reason: "first delivery", reference: `demo ${sku}` },
    token,
  });
  const raised = { body: { price: PRICE }, expected: 204 };
  await narrator.call("Then its price goes up", "PUT", product, raised);
  await shop.add(`User ${user} has read the announcement and adds ${COUNT}`, user, items[0]);
  await shop.checkoutFails(
    "agrees to the announced price; the answer has the current one, and nothing is ordered",
    user,
    { total_price: COUNT * PRICE, items: [{ sku, price: PRICE }] },
    { total_price: COUNT * ANNOUNCED_PRICE },
  );
  await shop.list("The cart is unchanged", user, items);
  const order = await shop.checkout("The buyer agrees to the new total", user, COUNT * PRICE);
  const facts = { status: "awaiting payment", user, items };
  await shop.orderIs("The order has the agreed price", order, facts);
  await shop.loms("It is payed", "order/pay", { orderID: order });
  return { order, statuses: ["new", "awaiting payment", "payed"] };
}
