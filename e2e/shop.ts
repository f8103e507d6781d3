import { expect } from "vitest";
import { type Answer, call } from "./http.ts";
import type { SharedShop } from "./own-stack.ts";

/** Operations of buyers; each is expected to succeed unless it returns its answer. */
export function shopAt({ urls }: Pick<SharedShop, "urls">) {
  const { cart, loms = "" } = urls;
  const post = async (operation: string, body: object): Promise<Answer> => {
    const answer = await call(loms, `POST /v1/${operation}`, { body });
    expect(answer.status, answer.text).toBe(200);
    return answer;
  };
  const tryAdd = (user: number, sku: number, count: number): Promise<Answer> =>
    call(cart, `POST /user/${user}/cart/${sku}`, { body: { count } });
  return {
    tryAdd,
    async add(user: number, sku: number, count: number): Promise<void> {
      const answer = await tryAdd(user, sku, count);
      expect(answer.status, answer.text).toBe(200);
    },
    /** Counts by SKU; {} when there is no cart. */
    async inCart(user: number): Promise<Record<string, number>> {
      const { status, body, text } = await call(cart, `GET /user/${user}/cart/list`);
      if (status === 404) return {};
      expect(status, text).toBe(200);
      const items = body.items as { sku_id: number; count: number }[];
      return Object.fromEntries(items.map((item) => [item.sku_id, item.count]));
    },
    tryCheckout: (user: number, headers: Record<string, string> = {}): Promise<Answer> =>
      call(cart, `POST /user/${user}/cart/checkout`, { headers }),
    async checkout(user: number): Promise<number> {
      const answer = await call(cart, `POST /user/${user}/cart/checkout`);
      expect(answer.status, answer.text).toBe(200);
      return answer.body.order_id as number;
    },
    tryCreate: (
      user: number,
      items: readonly { sku: number; count: number }[],
      headers: Record<string, string> = {},
    ): Promise<Answer> => call(loms, "POST /v1/order/create", { body: { user, items }, headers }),
    async create(user: number, sku: number, count: number): Promise<number> {
      const { body } = await post("order/create", { user, items: [{ sku, count }] });
      return body.orderID as number;
    },
    tryPay: (orderID: number): Promise<Answer> =>
      call(loms, "POST /v1/order/pay", { body: { orderID } }),
    tryCancel: (orderID: number): Promise<Answer> =>
      call(loms, "POST /v1/order/cancel", { body: { orderID } }),
    pay: (orderID: number) => post("order/pay", { orderID }),
    cancel: (orderID: number) => post("order/cancel", { orderID }),
    tryInfo: (orderID: number): Promise<Answer> =>
      call(loms, "POST /v1/order/info", { body: { orderID } }),
    async status(orderID: number): Promise<string> {
      return (await post("order/info", { orderID })).body.status as string;
    },
    async stock(sku: number): Promise<number> {
      return (await post("stock/info", { sku })).body.count as number;
    },
  };
}

export type Shop = ReturnType<typeof shopAt>;
