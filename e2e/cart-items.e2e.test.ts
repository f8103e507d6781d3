import { expect, inject, test } from "vitest";
import { startOwnCart } from "./alone.ts";
import { call } from "./http.ts";
import { linesOf } from "./notifications.ts";
import { eventually } from "./eventually.ts";
import { expectProblem, TRACE_ID, TRACEPARENT } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { cart } = shop.urls;
const { add, tryAdd, inCart, stock } = shopAt(shop);

const SNEAKERS = 773_297_411;
const BOOK = 1_076_963;
const MUSIC = 2_958_025;

// cart/domain and cart/http/routes.test.ts have the other answers,
// cart/repository/carts-contract.ts what a store does.

test("counts of one SKU add up, and another SKU is another line", async () => {
  const user = newUser();
  const first = await tryAdd(user, MUSIC, 2);
  expect(first.status, first.text).toBe(200);
  expect(first.text).toBe("{}");
  await add(user, MUSIC, 3);
  await add(user, BOOK, 1);
  expect(await inCart(user)).toEqual({ [MUSIC]: 5, [BOOK]: 1 });
});

test("a cart ends CART_TTL after its last change", async () => {
  const own = await startOwnCart(shop, { CART_TTL: "1s" });
  try {
    const { add, inCart } = shopAt({ urls: { ...shop.urls, cart: own.url } });
    let carts = 0;
    // On a busy machine a cart may end before it is read.
    const user = await eventually(async () => {
      const user = newUser();
      await add(user, MUSIC, 1);
      carts++;
      expect(await inCart(user)).toEqual({ [MUSIC]: 1 });
      return user;
    });
    await eventually(async () => expect(await inCart(user)).toEqual({}));
    const { text } = await call(own.url, "GET /metrics");
    expect(/^cart_repository_expired_total.* (\d+)$/m.exec(text)?.[1]).toBe(`${carts}`);
  } finally {
    await own.close();
  }
});

test.each([
  ["no product", "4294967295"],
  ["a product without a stock row", "5097510"],
])("a SKU that is %s cannot be added", async (_title, sku) => {
  const user = newUser();
  const answer = await call(cart, `POST /user/${user}/cart/${sku}`, { body: { count: 1 } });
  expectProblem(answer, 412);
  expect(await inCart(user)).toEqual({});
});

test("concurrent adds never exceed the available stock", async () => {
  const user = newUser();
  const available = await stock(BOOK);
  await add(user, BOOK, available - 5);
  const answers = await Promise.all(Array.from({ length: 12 }, () => tryAdd(user, BOOK, 1)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
  expect(answers.filter(({ status }) => status === 412)).toHaveLength(7);
  expect(await inCart(user)).toEqual({ [BOOK]: available });
});

test("the list is ascending, with names, prices and the exact total", async () => {
  const user = newUser();
  await add(user, SNEAKERS, 2);
  await add(user, BOOK, 3);
  const answer = await call(cart, `GET /user/${user}/cart/list`);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    items: [
      { sku_id: BOOK, name: "Теория нравственных чувств | Смит Адам", count: 3, price: 3_379 },
      { sku_id: SNEAKERS, name: "Кроссовки Nike JORDAN", count: 2, price: 2_202 },
    ],
    total_price: 3 * 3_379 + 2 * 2_202,
  });
});

test("cart logs one line per request, with the caller's trace", async () => {
  const traceId = crypto.randomUUID().replaceAll("-", "");
  const traceparent = TRACEPARENT.replace(TRACE_ID, traceId);
  await call(cart, `GET /user/${newUser()}/cart/list`, { headers: { traceparent } });
  const lines = await eventually(() => {
    const found = linesOf(shop, "cart").filter((line) =>
      (line as { trace_id?: string }).trace_id === traceId
    );
    expect(found).not.toEqual([]);
    return found;
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    service: "cart",
    level: "info",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    http_response_status_code: 404,
  });
});
