import { cartClient, lomsClient } from "../../tools/clients/clients.ts";
import type { Problem } from "../../tools/clients/gen/loms/types.gen.ts";

export interface Addresses {
  readonly cart: string;
  readonly loms: string;
}

/** What a buyer saw; ids and prices are text, because they leave the process as JSON. */
export interface Receipt {
  readonly user: string;
  readonly total: string;
  readonly sku: string;
  readonly status: string;
  /** The refusal of an order for more than the stock. */
  readonly refusal: { readonly code: string; readonly orderId: string; readonly sku: string };
}

const SKU = 773_297_411n;
const COUNT = 2;
const TOO_MANY = 65_535;

/** Buys something with the generated clients, the same on Node, on Deno and in a browser. */
export async function purchase(addresses: Addresses, user: bigint): Promise<Receipt> {
  const cart = cartClient(addresses.cart);
  const loms = lomsClient(addresses.loms);
  const mine = { path: { user_id: user }, throwOnError: true as const };
  const line = { path: { user_id: user, sku_id: SKU }, body: { count: COUNT } };

  await cart.clearCart(mine);
  await cart.addItem({ ...line, throwOnError: true });
  const listed = await cart.listCart(mine);
  const { order_id } = (await cart.checkout(mine)).data;
  const order = { body: { orderID: order_id }, throwOnError: true as const };
  await loms.orderPay(order);
  const info = await loms.orderInfo(order);

  const refused = await loms.orderCreate({
    headers: { "Idempotency-Key": crypto.randomUUID() },
    body: { user, items: [{ sku: SKU, count: TOO_MANY }] },
  });
  return {
    user: text(info.data.user),
    total: text(listed.data.total_price),
    sku: text(listed.data.items[0]?.sku_id),
    status: info.data.status,
    refusal: refusalOf(refused.error),
  };
}

function refusalOf(problem: Problem | undefined): Receipt["refusal"] {
  return {
    code: problem?.code ?? "none",
    orderId: text(problem?.order_id),
    sku: text(problem?.skus?.[0]?.sku),
  };
}

/** The digits of a bigint; empty for any other value. */
function text(value: bigint | undefined): string {
  return typeof value === "bigint" ? String(value) : "";
}
