import { randomInt } from "node:crypto";
import type { Answer, Narrator, Request } from "./narrator.ts";

/** Users of earlier runs have carts and orders; a new one has none. */
const USER_MAX = 2 ** 40;

export function newUser(): number {
  return randomInt(1, USER_MAX);
}

export interface Line {
  readonly sku: number;
  readonly count: number;
}

/** An order of the demo and the statuses of its notifications. */
export interface StoryOrder {
  readonly order: number;
  readonly statuses: readonly string[];
  /** Why it ended, as in its last notification; absent if it did not end. */
  readonly reason?: string;
}

/** The calls of a buyer; each is a step that checks its answer. */
export class Shop {
  readonly narrator: Narrator;
  readonly #urls: Readonly<Record<"cart" | "loms", string>>;
  /** By SKU, as the cart last listed them. */
  readonly #prices = new Map<number, number>();

  constructor(narrator: Narrator, urls: Readonly<Record<"cart" | "loms", string>>) {
    this.narrator = narrator;
    this.#urls = urls;
  }

  /** A call below a user's cart. */
  cart(title: string, method: string, user: number, path: string, request?: Request) {
    const url = `${this.#urls.cart}/user/${user}/cart${path}`;
    return this.narrator.call(title, method, url, request);
  }

  /** A call of a method of loms. */
  loms(title: string, method: string, body: object, expected = 200): Promise<Answer> {
    const url = `${this.#urls.loms}/v1/${method}`;
    return this.narrator.call(title, "POST", url, { body, expected });
  }

  async stock(title: string, sku: number): Promise<number> {
    return (await this.loms(title, "stock/info", { sku })).body.count as number;
  }

  async stockIs(title: string, sku: number, promised: number): Promise<void> {
    this.narrator.check(`the stock of ${sku}`, await this.stock(title, sku), promised);
  }

  async add(title: string, user: number, { sku, count }: Line): Promise<void> {
    await this.cart(title, "POST", user, `/${sku}`, { body: { count } });
  }

  /** The list has exactly these lines, with names, and a total that is their sum. */
  async list(title: string, user: number, promised: readonly Line[]): Promise<void> {
    const { body } = await this.cart(title, "GET", user, "/list");
    const items = body.items as { sku_id: number; name: string; count: number; price: number }[];
    const lines = items.map(({ sku_id: sku, count }) => ({ sku, count }));
    this.narrator.check("the list", lines, promised.toSorted((a, b) => a.sku - b.sku));
    this.narrator.check("each line's name", items.every(({ name }) => name !== ""), true);
    const sum = items.reduce((total, { price, count }) => total + price * count, 0);
    this.narrator.check("total_price", body.total_price, sum);
    for (const { sku_id, price } of items) this.#prices.set(sku_id, price);
  }

  /** @returns the id of the order */
  async checkout(title: string, user: number, agreedTotal?: number): Promise<number> {
    const body = agreedTotal === undefined ? undefined : { total_price: agreedTotal };
    return (await this.cart(title, "POST", user, "/checkout", { body })).body.order_id as number;
  }

  /** A checkout that is refused; its problem has these fields. */
  async checkoutFails(
    title: string,
    user: number,
    promised: Readonly<Record<string, unknown>>,
    body?: object,
  ): Promise<Answer["body"]> {
    const request = { body, expected: 412 };
    const { body: problem } = await this.cart(title, "POST", user, "/checkout", request);
    this.narrator.check("the code", problem.code, "failed_precondition");
    for (const [name, value] of Object.entries(promised)) {
      this.narrator.check(name, problem[name], value);
    }
    return problem;
  }

  /** The order has these lines with the prices that the cart listed, and their total. */
  async orderIs(
    title: string,
    order: number,
    promised: { status: string; user: number; items: readonly Line[]; reason?: string },
  ): Promise<void> {
    const { body } = await this.loms(title, "order/info", { orderID: order });
    const items = promised.items.toSorted((a, b) => a.sku - b.sku)
      .map((line) => ({ ...line, price: this.#prices.get(line.sku) ?? 0 }));
    const total_price = items.reduce((total, { price, count }) => total + price * count, 0);
    this.narrator.check("the order", body, { ...promised, items, total_price });
  }

  /** The list of a user's orders has exactly these, newest first. */
  async ordersAre(
    title: string,
    given: { user: number; statuses?: readonly string[] },
    promised: readonly { orderID: number; status: string }[],
  ): Promise<void> {
    const { body } = await this.loms(title, "order/list", given);
    const orders = body.orders as { orderID: number; status: string }[];
    const listed = orders.map(({ orderID, status }) => ({ orderID, status }));
    this.narrator.check("the orders", listed, promised);
    this.narrator.check("next_page_token", body.next_page_token, "");
  }
}
