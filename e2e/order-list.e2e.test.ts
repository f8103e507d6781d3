import { expect, inject, test } from "vitest";
import { lomsTransports } from "./loms-transports.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { create, pay, tryCreate } = shopAt(shop);
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
  const [gateway] = transports;
  for (let made = 1; made <= 20; made++) {
    const order = await create(user, SKU, 1);
    const { response } = await gateway?.call("OrderList", `{"user":${user}}`) ?? {};
    expect(idsOf(JSON.parse(response ?? "") as Page)[0]).toBe(order);
  }
});

// loms/rpc/rpc.test.ts and proto/loms/v1/schemas.test.ts have the other rules.
test("OrderList gets the next page by its token, and refuses any other token", async () => {
  const user = newUser();
  const made = [await create(user, SKU, 1), await create(user, SKU, 1)];
  const first = await list({ user, page_size: 1 });
  const second = await list({ user, page_token: first.next_page_token });
  expect([...idsOf(first), ...idsOf(second)]).toEqual(made.toReversed());
  expect(second.next_page_token).toBe("");
  const { code, violations } = await callBoth({ user, page_token: "garbled" });
  expect([code, ...violations.map(({ path }) => path)]).toEqual(["invalid_argument", "page_token"]);
});
