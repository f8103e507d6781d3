import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LomsDefinition } from "../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../proto/loms/v1/order-shortage.ts";
import { formatHostPort } from "../shared/config.ts";
import { AppError } from "../shared/errors.ts";
import { type GrpcServer, startGrpcServer } from "../shared/grpc/server.ts";
import type { IncomingCall } from "../shared/grpc/unary.ts";
import { answerJson, createHttpApp, mount } from "../shared/http/app.ts";
import { type HttpServer, serve } from "../shared/http/listen.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { cartConfig } from "./config.ts";
import { type RunningCart, startCart } from "./service.ts";

const FREE = { host: "127.0.0.1", port: 0 };
const SKU = 773_297_411;
const ORDER_ID = 2n ** 63n - 1n;
const ignore = () => {};
const silent = createLogger({ service: "cart", level: "error", write: ignore });

let products: HttpServer;
let loms: GrpcServer;
let cart: RunningCart;
const orderCreate = vi.fn<(call: IncomingCall) => Promise<object>>();

beforeEach(async () => {
  orderCreate.mockReset().mockResolvedValue({ orderID: ORDER_ID });
  const app = createHttpApp();
  const run = (c: Parameters<typeof answerJson>[0]) =>
    answerJson(c, 200, { name: "Sneakers", price: 2202 });
  mount(app, [{ method: "post", path: "/get_product", run }]);
  products = await serve(app.fetch, FREE);
  const stocksInfo = () => Promise.resolve({ count: 140n });
  loms = await startGrpcServer({
    address: FREE,
    definition: LomsDefinition,
    handlers: {
      orderCreate,
      stocksInfo,
      orderInfo: stocksInfo,
      orderList: stocksInfo,
      orderPay: stocksInfo,
      orderCancel: stocksInfo,
      stocksInfoList: stocksInfo,
    },
    descriptorSet: await readFile(new URL("../proto/gen/loms.binpb", import.meta.url)),
    errorDetails: [orderShortageDetail],
  });
  const config = cartConfig({
    CART_HTTP: "127.0.0.1:0",
    PRODUCT_URL: products.url,
    LOMS_GRPC_URL: formatHostPort(loms.address),
  });
  cart = await startCart(config, silent);
});

afterEach(async () => {
  await cart.close();
  await Promise.all([loms.close(), products.close(0)]);
});

async function call(method: string, path: string, body?: string, init: RequestInit = {}) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${cart.url}/user/1/cart/${path}`, {
    method,
    headers,
    ...body !== undefined && { body },
    ...init,
  });
  return { status: answer.status, text: await answer.text() };
}

const keysSeen = () => orderCreate.mock.calls.map(([call]) => call.metadata("idempotency-key")[0]);

test("cart adds, lists and orders with its real services, with every digit", async () => {
  expect(await call("POST", `${SKU}`, `{"count":2}`)).toEqual({ status: 200, text: "{}" });
  expect(await call("GET", "list")).toEqual({
    status: 200,
    text:
      `{"items":[{"sku_id":${SKU},"name":"Sneakers","count":2,"price":2202}],"total_price":4404}`,
  });
  expect(await call("POST", "checkout"))
    .toEqual({ status: 200, text: `{"order_id":9223372036854775807}` });
  expect(orderCreate.mock.calls[0]?.[0].read())
    .toEqual({ user: 1n, items: [{ sku: SKU, count: 2, price: 2202 }] });
  expect((await call("GET", "list")).status).toBe(404);
});

test("cart returns the shortage from loms", async () => {
  await call("POST", `${SKU}`, `{"count":2}`);
  const skus = [{ sku: SKU, requested: 2, available: 1 }];
  const shortage = { orderId: 5n, skus, skusTotal: 1 };
  orderCreate.mockRejectedValueOnce(new AppError("failed_precondition", "short", { shortage }));
  const refused = await call("POST", "checkout");
  expect(refused.status).toBe(412);
  expect(JSON.parse(refused.text)).toMatchObject({ order_id: 5, skus, skus_total: 1 });
  expect((await call("POST", "checkout")).status).toBe(200);
  expect(new Set(keysSeen()).size).toBe(2);
});

test("cart answers 503 while loms is unavailable, and keeps the cart", async () => {
  await call("POST", `${SKU}`, `{"count":2}`);
  await loms.close();
  expect((await call("POST", "checkout")).status).toBe(503);
  expect((await call("POST", `${SKU}`, `{"count":1}`)).status).toBe(503);
  expect(JSON.parse((await call("GET", "list")).text)).toMatchObject({ items: [{ count: 2 }] });
});

test("cart returns an order whose caller disconnected, and creates no second one", async () => {
  await call("POST", `${SKU}`, `{"count":2}`);
  const created = Promise.withResolvers<object>();
  orderCreate.mockReturnValueOnce(created.promise);
  const leaving = new AbortController();
  const first = call("POST", "checkout", undefined, { signal: leaving.signal });
  await expect.poll(() => orderCreate.mock.calls.length).toBe(1);
  leaving.abort();
  await expect(first).rejects.toThrow();
  // An exchange over another connection gives cart time to detect the disconnect.
  await call("DELETE", "1");
  created.resolve({ orderID: ORDER_ID });
  await expect.poll(async () => (await call("GET", "list")).status).toBe(404);
  expect(await call("POST", "checkout"))
    .toEqual({ status: 200, text: `{"order_id":9223372036854775807}` });
  expect(new Set(keysSeen()).size).toBe(1);
});
