import { beforeEach, expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import type { HttpApp } from "../../shared/http/app.ts";
import { fill, testDeps } from "../test/deps.ts";
import { cartApp } from "./routes.ts";

const AWAY = new AppError("unavailable", "no answer", { retryAfterMs: 3_000 });

let deps: ReturnType<typeof testDeps>;
let app: HttpApp;

beforeEach(async () => {
  deps = testDeps();
  app = cartApp(deps, [], {});
  await fill(deps, 1n, { 42: 2 });
});

async function checkout(body: string, type = "application/json") {
  const headers = { "content-type": type };
  return await app.request("/user/1/cart/checkout", { method: "POST", headers, body });
}

test.each([
  ["application/json", `{"total_price":84}`],
  ["application/json", ""],
  ["application/json", "{}"],
  ["text/plain", `{"total_price":1}`],
])("checkout with %s %s orders the cart", async (type, body) => {
  const answer = await checkout(body, type);
  expect(await answer.text()).toBe(`{"order_id":1}`);
  expect(deps.orders.orderCreate.mock.calls[0]?.[0].items)
    .toEqual([{ sku: 42, count: 2, price: 42 }]);
});

test("checkout of another total is refused with the current total and prices", async () => {
  const answer = await checkout(`{"total_price":0}`);
  expect(answer.status).toBe(412);
  expect(await answer.json()).toMatchObject({
    code: "failed_precondition",
    detail: "The cart costs 84 now, not 0",
    total_price: 84,
    items: [{ sku: 42, price: 42 }],
  });
  expect(deps.orders.orderCreate).not.toHaveBeenCalled();
});

test("without the product service only a checkout with a total is refused", async () => {
  deps.products.getProduct.mockRejectedValue(AWAY);
  const refused = await checkout(`{"total_price":84}`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("3");
  expect((await checkout("")).status).toBe(200);
  expect(deps.orders.orderCreate.mock.calls[0]?.[0].items).toEqual([{ sku: 42, count: 2 }]);
});

test("checkout with a bad total is a bad request, and changes nothing", async () => {
  const answer = await checkout(`{"total_price":-1}`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    errors: [{
      path: "total_price",
      message: "must be an integer from 0 to 9223372036854775807, got -1",
    }],
  });
  expect(deps.orders.orderCreate).not.toHaveBeenCalled();
});
