import { randomInt } from "node:crypto";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import type { Narrator } from "./narrator.ts";
import type { Shop, ToldOrder } from "./shop.ts";

/** A new product in each run, since cart remembers the prices of others for a while. */
const SKU_MIN = 3_000_000_000;
const SKU_MAX = 4_000_000_000;
const USER_MAX = 2 ** 40;
const DELIVERED = 10;
const COUNT = 2;
const ANNOUNCED_PRICE = 500;
const PRICE = 600;
const PROBE_TIMEOUT_MS = 2_000;

/** Who runs the shop: the parts of a system of our own that change prices and stock. */
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
 * A buyer agrees to a total, and the price has changed meanwhile.
 * @throws {BrokenPromise} with what was promised and what happened
 */
export async function agreeToATotal(
  narrator: Narrator,
  shop: Shop,
  keeper: Shopkeeper,
): Promise<ToldOrder> {
  const [sku, user] = [randomInt(SKU_MIN, SKU_MAX), randomInt(1, USER_MAX)];
  const items = [{ sku, count: COUNT }] as const;
  const product = { method: "PUT", url: `${keeper.products}/products/${sku}`, expected: 204 };
  const announced = { name: `Novelty ${sku}`, price: ANNOUNCED_PRICE };
  await narrator.ask("The shop announces a new product", { ...product, body: announced });
  await narrator.ask(`and gets ${DELIVERED} of it`, {
    method: "POST",
    url: `${keeper.lomsAdmin}/v1/stock/receive`,
    body: {
      lines: [{ sku, count: DELIVERED }],
      reason: "first delivery",
      reference: `demo ${sku}`,
    },
    token: keeper.lomsAdminToken,
    expected: 200,
  });
  await narrator.ask("Then its price goes up", { ...product, body: { price: PRICE } });
  await shop.add(`User ${user} has read the announcement and wants ${COUNT}`, user, items[0]);
  await shop.checkoutCostsOtherwise(
    "agrees to what was announced; the answer has the current price, and nothing is ordered",
    { user, agreedTotal: COUNT * ANNOUNCED_PRICE },
    { total_price: COUNT * PRICE, items: [{ sku, price: PRICE }] },
  );
  await shop.list("The cart is as it was", user, items);
  const order = await shop.checkout("The buyer agrees to the new total", user, COUNT * PRICE);
  const facts = { status: "awaiting payment", user, items };
  await shop.orderIs("The order has the price that was agreed", order, facts);
  await shop.pay("It is payed", order);
  return { order, statuses: ["new", "awaiting payment", "payed"] };
}
