import { describe, expect, inject, test } from "vitest";
import { lomsTransports } from "./loms-transports.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { create, pay, cancel, tryCreate } = shopAt(shop);
const transports = lomsTransports(shop);
const SKU = 3_596_599;

interface Page {
  readonly orders: readonly {
    readonly orderID: number;
    readonly status: string;
    readonly created_at: string;
    readonly items: readonly unknown[];
    readonly total_price?: number;
  }[];
  readonly next_page_token: string;
}

/** The response, which is the same on both transports. */
async function callBoth(request: object) {
  const [gateway, grpc] = await Promise.all(
    transports.map((transport) => transport.call("OrderList", JSON.stringify(request))),
  );
  expect(grpc).toEqual(gateway);
  return gateway as NonNullable<typeof gateway>;
}

async function list(request: object): Promise<Page> {
  const answer = await callBoth(request);
  expect(answer.code, answer.message).toBe("ok");
  return JSON.parse(answer.response) as Page;
}

const idsOf = ({ orders }: Page) => orders.map(({ orderID }) => orderID);

test("OrderList shows a buyer's orders, newest first, with the agreed prices", async () => {
  const user = newUser();
  expect(await list({ user })).toEqual({ orders: [], next_page_token: "" });
  const priced = [{ sku: SKU, count: 2, price: 4_294_967_295 }];
  const first = (await tryCreate(user, priced)).body["orderID"];
  const second = await create(user, SKU, 1);
  await pay(second);
  const page = await list({ user });
  expect(page).toEqual({
    orders: [
      {
        orderID: second,
        status: "payed",
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        items: [{ sku: SKU, count: 1 }],
      },
      {
        orderID: first,
        status: "awaiting payment",
        created_at: expect.any(String),
        items: priced,
        total_price: 8_589_934_590,
      },
    ],
    next_page_token: "",
  });
  expect(Math.abs(Date.parse(page.orders[0]?.created_at ?? "") - Date.now())).toBeLessThan(60_000);
});

test("an order is in the list as soon as it is answered", async () => {
  const user = newUser();
  for (let made = 1; made <= 20; made++) {
    const order = await create(user, SKU, 1);
    expect(idsOf(await list({ user }))[0]).toBe(order);
    await cancel(order);
    expect(idsOf(await list({ user, statuses: ["cancelled"] }))).toHaveLength(made);
  }
});

test("the token of a page is valid with any order of statuses", async () => {
  const user = newUser();
  const made: number[] = [];
  for (let count = 0; count < 5; count++) made.push(await create(user, SKU, 1));
  await cancel(made[2] as number);
  const statuses = ["cancelled", "awaiting payment"];
  const first = await list({ user, statuses, page_size: 3 });
  const newer = await create(user, SKU, 1);
  const second = await list({
    user,
    statuses: [...statuses.toReversed(), "cancelled"],
    page_size: 100,
    page_token: first.next_page_token,
  });
  expect([...idsOf(first), ...idsOf(second)]).toEqual(made.toReversed());
  expect(second.next_page_token).toBe("");
  expect(idsOf(await list({ user, page_token: "" }))[0]).toBe(newer);
});

describe("OrderList refuses", () => {
  const refused = async (request: object) => {
    const { code, violations } = await callBoth(request);
    return [code, ...violations.map(({ path }) => path)];
  };

  test.each([
    [{ user: 0 }, "user"],
    [{ user: 1, statuses: ["lost"] }, "statuses.0"],
    [{ user: 1, statuses: ["payed", ""] }, "statuses.1"],
    [{ user: 1, page_size: 0 }, "page_size"],
    [{ user: 1, page_size: 101 }, "page_size"],
    [{ user: 1, page_token: "garbled" }, "page_token"],
    [{ user: 1, page_token: "A".repeat(23) }, "page_token"],
  ])("%j, naming %s", async (request, path) => {
    expect(await refused(request)).toEqual(["invalid_argument", path]);
  });

  test("a token of another user, of other statuses, or with one character changed", async () => {
    const user = newUser();
    await create(user, SKU, 1);
    await create(user, SKU, 1);
    const { next_page_token: token } = await list({ user, page_size: 1 });
    const garbled = token.replace(/.$/, (last) => last === "A" ? "B" : "A");
    for (
      const request of [
        { user: newUser(), page_token: token },
        { user, statuses: ["payed"], page_token: token },
        { user, page_token: garbled },
      ]
    ) {
      expect(await refused(request)).toEqual(["invalid_argument", "page_token"]);
    }
  });
});
