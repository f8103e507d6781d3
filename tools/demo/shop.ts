import type { Answer, Narrator } from "./narrator.ts";

export interface Line {
  readonly sku: number;
  readonly count: number;
}

/** One order of the story and the statuses that its buyer is notified of. */
export interface ToldOrder {
  readonly order: number;
  readonly statuses: readonly string[];
  /** Why it ended, as its last notification reports; absent for an order that did not. */
  readonly reason?: string;
}

/** The calls that a person makes, each a step of the story that checks its answer. */
export class Shop {
  readonly #narrator: Narrator;
  readonly #cart: string;
  readonly #loms: string;
  /** By SKU, as the cart listed them last. */
  readonly #prices = new Map<number, number>();

  constructor(narrator: Narrator, urls: { readonly cart: string; readonly loms: string }) {
    this.#narrator = narrator;
    this.#cart = urls.cart;
    this.#loms = urls.loms;
  }

  async stock(title: string, sku: number): Promise<number> {
    const answer = await this.#ask(title, "/v1/stock/info", { sku });
    return answer.body.count as number;
  }

  async stockIs(title: string, sku: number, promised: number): Promise<void> {
    this.#narrator.check(`the stock of ${sku}`, await this.stock(title, sku), promised);
  }

  async add(title: string, user: number, { sku, count }: Line): Promise<void> {
    const url = `${this.#cart}/user/${user}/cart/${sku}`;
    await this.#narrator.ask(title, { method: "POST", url, body: { count }, expected: 200 });
  }

  /** The list shows exactly these lines, with names, and a total that is their sum. */
  async list(title: string, user: number, promised: readonly Line[]): Promise<void> {
    const url = `${this.#cart}/user/${user}/cart/list`;
    const { body } = await this.#narrator.ask(title, { method: "GET", url, expected: 200 });
    const items = body.items as { sku_id: number; name: string; count: number; price: number }[];
    const lines = items.map(({ sku_id: sku, count }) => ({ sku, count }));
    this.#narrator.check("the list", lines, promised.toSorted((a, b) => a.sku - b.sku));
    this.#narrator.check("each line's name", items.every(({ name }) => name !== ""), true);
    const sum = items.reduce((total, { price, count }) => total + price * count, 0);
    this.#narrator.check("total_price", body.total_price, sum);
    for (const { sku_id, price } of items) this.#prices.set(sku_id, price);
  }

  async listIsEmpty(title: string, user: number): Promise<void> {
    const url = `${this.#cart}/user/${user}/cart/list`;
    await this.#narrator.ask(title, { method: "GET", url, expected: 404 });
  }

  async clear(title: string, user: number): Promise<void> {
    const url = `${this.#cart}/user/${user}/cart`;
    await this.#narrator.ask(title, { method: "DELETE", url, expected: 204 });
  }

  /** @returns the id of the order */
  async checkout(title: string, user: number, agreedTotal?: number): Promise<number> {
    return (await this.#checkout(title, { user, agreedTotal }, 200)).body.order_id as number;
  }

  /** A checkout that is refused, since the cart costs something else than was agreed to. */
  async checkoutCostsOtherwise(
    title: string,
    given: { user: number; agreedTotal: number },
    promised: { total_price: number; items: readonly { sku: number; price: number }[] },
  ): Promise<void> {
    const { code, total_price, items } = (await this.#checkout(title, given, 412)).body;
    this.#narrator.check("the code", code, "failed_precondition");
    this.#narrator.check("the total and the prices", { total_price, items }, promised);
  }

  /** A checkout that is refused, naming what is short. @returns the id of the failed order */
  async checkoutIsShort(
    title: string,
    user: number,
    short: { sku: number; requested: number; available: number },
  ): Promise<number> {
    const { body } = await this.#checkout(title, { user }, 412);
    this.#narrator.check("the code", body.code, "failed_precondition");
    this.#narrator.check("what is short", body.skus, [short]);
    return body.order_id as number;
  }

  /** The order has these lines with the prices that the cart listed, and their total. */
  async orderIs(
    title: string,
    order: number,
    promised: { status: string; user: number; items: readonly Line[]; reason?: string },
  ): Promise<void> {
    const { body } = await this.#ask(title, "/v1/order/info", { orderID: order });
    const items = promised.items.toSorted((a, b) => a.sku - b.sku)
      .map((line) => ({ ...line, price: this.#prices.get(line.sku) ?? 0 }));
    const total_price = items.reduce((total, { price, count }) => total + price * count, 0);
    this.#narrator.check("the order", body, { ...promised, items, total_price });
  }

  async pay(title: string, order: number): Promise<void> {
    await this.#ask(title, "/v1/order/pay", { orderID: order });
  }

  /** A payment that is refused, and recorded so that the money can be given back. */
  async payTooLate(title: string, order: number): Promise<void> {
    const url = `${this.#loms}/v1/order/pay`;
    const request = { method: "POST", url, body: { orderID: order }, expected: 412 };
    const { body } = await this.#narrator.ask(title, request);
    this.#narrator.check("the code", body.code, "failed_precondition");
    this.#narrator.say("npm run orders -- late-payments lists it");
  }

  /** The list of a user's orders has exactly these, newest first. */
  async ordersAre(
    title: string,
    given: { user: number; statuses?: readonly string[] },
    promised: readonly { orderID: number; status: string }[],
  ): Promise<void> {
    const { body } = await this.#ask(title, "/v1/order/list", given);
    const orders = body.orders as { orderID: number; status: string }[];
    const listed = orders.map(({ orderID, status }) => ({ orderID, status }));
    this.#narrator.check("the orders", listed, promised);
    this.#narrator.check("next_page_token", body.next_page_token, "");
  }

  async cancel(title: string, order: number): Promise<void> {
    await this.#ask(title, "/v1/order/cancel", { orderID: order });
  }

  #checkout(
    title: string,
    { user, agreedTotal }: { user: number; agreedTotal?: number | undefined },
    expected: number,
  ): Promise<Answer> {
    const url = `${this.#cart}/user/${user}/cart/checkout`;
    const body = agreedTotal === undefined ? undefined : { total_price: agreedTotal };
    return this.#narrator.ask(title, { method: "POST", url, body, expected });
  }

  #ask(title: string, path: string, body: unknown): Promise<Answer> {
    const url = `${this.#loms}${path}`;
    return this.#narrator.ask(title, { method: "POST", url, body, expected: 200 });
  }
}
