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
/** 65534 in stock. */
const DRESS = 139_275_865;
const UINT32_MAX = 4_294_967_295;
const INT64_MAX = "9223372036854775807";

test("counts of one SKU add up, and another SKU is another line", async () => {
  const user = newUser();
  const first = await tryAdd(user, MUSIC, 2);
  expect(first.status, first.text).toBe(200);
  expect(first.text).toBe("{}");
  await add(user, MUSIC, 3);
  await add(user, BOOK, 1);
  expect(await inCart(user)).toEqual({ [MUSIC]: 5, [BOOK]: 1 });
});

test("concurrent adds are all counted", async () => {
  const user = newUser();
  await Promise.all(Array.from({ length: 20 }, () => add(user, MUSIC, 1)));
  expect(await inCart(user)).toEqual({ [MUSIC]: 20 });
});

test("a cart ends CART_TTL after its last change", async () => {
  const own = await startOwnCart(shop, { CART_TTL: "1s" });
  try {
    const { add, inCart } = shopAt({ urls: { ...shop.urls, cart: own.url } });
    const user = newUser();
    await add(user, MUSIC, 1);
    expect(await inCart(user)).toEqual({ [MUSIC]: 1 });
    await eventually(async () => expect(await inCart(user)).toEqual({}));
    const { text } = await call(own.url, "GET /metrics");
    expect(text).toMatch(/^cart_repository_expired_total.* 1$/m);
  } finally {
    await own.close();
  }
});

test.each([
  ["no product", `${UINT32_MAX}`],
  ["over uint32", "4294967296"],
  ["the greatest int64", INT64_MAX],
  ["a product without a stock row", "5097510"],
  ["none left of it", "139819069"],
  ["more reserved than there is", "139818428"],
])("a SKU that is %s cannot be added", async (_title, sku) => {
  const user = newUser();
  const answer = await call(cart, `POST /user/${user}/cart/${sku}`, { body: { count: 1 } });
  expectProblem(answer, 412);
  expect(await inCart(user)).toEqual({});
});

test("units in the cart count against the available stock", async () => {
  const user = newUser();
  const available = await stock(BOOK);
  await add(user, BOOK, available - 1);
  expectProblem(await tryAdd(user, BOOK, 2), 412);
  expect(await inCart(user)).toEqual({ [BOOK]: available - 1 });
  await add(user, BOOK, 1);
  expectProblem(await tryAdd(user, BOOK, 1), 412);
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

test("the greatest count is refused like any other above the stock", async () => {
  expectProblem(await tryAdd(newUser(), DRESS, 65_535), 412);
});

test("deleting a line removes all of its units, and succeeds if there is no line", async () => {
  const user = newUser();
  await add(user, SNEAKERS, 2);
  await add(user, MUSIC, 1);
  for (let times = 0; times < 2; times++) {
    const answer = await call(cart, `DELETE /user/${user}/cart/${SNEAKERS}`);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(await inCart(user)).toEqual({ [MUSIC]: 1 });
  }
  const never = await call(cart, `DELETE /user/${newUser()}/cart/${INT64_MAX}`);
  expect(never.status).toBe(204);
});

test("clearing a cart succeeds whether or not there is one", async () => {
  const user = newUser();
  await add(user, SNEAKERS, 2);
  for (let times = 0; times < 2; times++) {
    const answer = await call(cart, `DELETE /user/${user}/cart`);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(await inCart(user)).toEqual({});
  }
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

test("a missing cart and an empty one are not found", async () => {
  const user = newUser();
  expectProblem(await call(cart, `GET /user/${user}/cart/list`), 404);
  await add(user, MUSIC, 1);
  await call(cart, `DELETE /user/${user}/cart/${MUSIC}`);
  expectProblem(await call(cart, `GET /user/${user}/cart/list`), 404);
  expectProblem(await call(cart, `POST /user/${user}/cart/checkout`), 404);
});

test("users above 2^53 have separate carts", async () => {
  const [one, other] = ["9007199254740992", "9007199254740993"];
  for (const user of [one, other]) await call(cart, `DELETE /user/${user}/cart`);
  const answer = await call(cart, `POST /user/${one}/cart/${MUSIC}`, { body: { count: 1 } });
  expect(answer.status, answer.text).toBe(200);
  expect((await call(cart, `GET /user/${one}/cart/list`)).status).toBe(200);
  expect((await call(cart, `GET /user/${other}/cart/list`)).status).toBe(404);
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
