import { itemLine, orderLine } from "../list-lines.ts";
import { priceChange } from "../refusal.ts";
import type { Outcome } from "../tool.ts";
import type { Command, Parameter } from "./command.ts";
import { PRODUCTS_MAX, showProducts } from "./products.ts";

const orThrow = { throwOnError: true } as const;
const done = (...lines: string[]): Outcome => ({ data: {}, lines });

/** The commands of a buyer, by name. */
export const COMMANDS = {
  products: {
    takes: ["page?", "after?"],
    about:
      `lists PAGE (10, at most ${PRODUCTS_MAX}) products above the SKU AFTER, with their stock`,
    run: (shop, { page, after }) => showProducts(shop, Number(page), Number(after)),
  },
  stock: {
    takes: ["sku"],
    about: "shows how many of a SKU can be bought",
    async run({ loms }, { sku }) {
      const { data } = await loms.stocksInfo({ body: { sku }, ...orThrow });
      return { data, lines: [`${data.count} of ${sku} can be bought`] };
    },
  },
  add: {
    takes: ["user", "sku", "count?"],
    about: "puts COUNT (1) of a product into the cart",
    changesCart: true,
    async run({ cart }, { user, sku, count }) {
      const path = { user_id: user, sku_id: sku };
      await cart.addItem({ path, body: { count: Number(count) }, ...orThrow });
      return done(`${count} of ${sku} in the cart`);
    },
  },
  remove: {
    takes: ["user", "sku"],
    about: "removes a product from the cart",
    changesCart: true,
    async run({ cart }, { user, sku }) {
      await cart.deleteItem({ path: { user_id: user, sku_id: sku }, ...orThrow });
      return done(`no ${sku} in the cart`);
    },
  },
  clear: {
    takes: ["user"],
    about: "empties the cart",
    changesCart: true,
    async run({ cart }, { user }) {
      await cart.clearCart({ path: { user_id: user }, ...orThrow });
      return done("the cart is empty");
    },
  },
  cart: {
    takes: ["user"],
    about: "shows the cart with names and prices",
    async run({ cart }, { user }) {
      const { data } = await cart.listCart({ path: { user_id: user }, ...orThrow });
      const lines = data.items.map(({ sku_id, name, count, price }) =>
        itemLine(sku_id, `${count} × ${price}`, name)
      );
      const total = data.total_price;
      return { data, lines: [...lines, `total ${total}`], total };
    },
  },
  checkout: {
    takes: ["user", "total?"],
    about: "orders the content of the cart, if it costs TOTAL",
    changesCart: true,
    async run({ cart }, { user, total }) {
      const body = total === undefined ? {} : { body: { total_price: total } };
      const { data } = await cart.checkout({ path: { user_id: user }, ...body, ...orThrow })
        .catch((error: unknown) => {
          throw total === undefined ? error : priceChange(error, total);
        });
      return { data, lines: [`order ${data.order_id} awaits payment`], order: data.order_id };
    },
  },
  order: {
    takes: ["order"],
    about: "shows an order",
    async run({ loms }, { order }) {
      const { data } = await loms.orderInfo({ body: { orderID: order }, ...orThrow });
      const lines = data.items.map(({ sku, count, price }) =>
        itemLine(sku, price === undefined ? `${count}` : `${count} × ${price}`, "")
      );
      const total = data.total_price === undefined ? [] : [`total ${data.total_price}`];
      const what = data.reason === undefined ? data.status : `${data.status} (${data.reason})`;
      return { data, lines: [`order ${order} of user ${data.user}: ${what}`, ...lines, ...total] };
    },
  },
  orders: {
    takes: ["user"],
    about: "lists the last orders",
    async run({ loms }, { user }) {
      const { data } = await loms.orderList({ body: { user }, ...orThrow });
      const more = data.next_page_token === "" ? [] : [`more: npm run orders -- list ${user}`];
      const lines = [...data.orders.map(orderLine), ...more];
      return { data, lines: lines.length === 0 ? ["no orders"] : lines };
    },
  },
  pay: {
    takes: ["order"],
    about: "pays an order",
    async run({ loms }, { order }) {
      await loms.orderPay({ body: { orderID: order }, ...orThrow });
      return done(`order ${order} is payed`);
    },
  },
  cancel: {
    takes: ["order"],
    about: "cancels an order",
    async run({ loms }, { order }) {
      await loms.orderCancel({ body: { orderID: order }, ...orThrow });
      return done(`order ${order} is cancelled`);
    },
  },
} as const satisfies Record<string, Command>;

export function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

/** Separate from the other commands, because it runs until it is stopped. */
export const WATCH = {
  takes: ["user?"],
  about: "prints each notification as it arrives, of one user or of all, until Ctrl-C",
} as const;

const NAME_WIDTH = 30;

export function usage(): string {
  const lines = Object.entries({ ...COMMANDS, watch: WATCH })
    .map(([name, { takes, about }]) => usageLine(name, takes.map(shown), about));
  return `npm run shop                     reads commands from a prompt
npm run shop -- COMMAND …        runs one command
npm run shop -- --json COMMAND … prints the answer, or the problem, as JSON

${lines.join("\n")}

Exit code 0: done. 1: refused, or no answer. 2: usage error. It uses the system that npm start
runs; CART_URL, LOMS_URL and PRODUCT_URL name another one.
`;
}

/** The usage of a session. */
export function sessionUsage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { takes, about }]) => {
    const written = (takes as readonly Parameter[]).filter((parameter) => parameter !== "user")
      .map((parameter) => parameter === "order" ? "[ORDER]" : shown(parameter));
    return usageLine(name, written, about);
  });
  return `Your user stays, so commands are written without it, and without the order
for the one that you checked out last. A checkout agrees to the total that cart showed last.
Notifications to your user appear automatically.

${lines.join("\n")}
${usageLine("user", ["[USER]"], "switches to another user, or to a new one")}
${usageLine("help", [], "shows this")}
${usageLine("quit", [], "or Ctrl-D")}
`;
}

function shown(parameter: Parameter): string {
  const name = parameter.replace("?", "").toUpperCase();
  return parameter.endsWith("?") ? `[${name}]` : name;
}

function usageLine(name: string, takes: readonly string[], about: string): string {
  return `  ${`${name} ${takes.join(" ")}`.padEnd(NAME_WIDTH)}${about}`;
}
