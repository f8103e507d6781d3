import { expect, test } from "vitest";
import { cartConfig } from "./config.ts";

test("cartConfig() has defaults that fit the local stack", () => {
  expect(cartConfig({})).toMatchObject({
    CART_HTTP: { host: "127.0.0.1", port: 8082 },
    CART_PROFILE: { host: "127.0.0.1", port: 9082 },
    PRODUCT_URL: "http://127.0.0.1:8090",
    PRODUCT_TOKEN: "testtoken",
    PRODUCT_CACHE_TTL: 60_000,
    CART_TTL: 30 * 86_400_000,
    LOMS_GRPC_URL: { host: "127.0.0.1", port: 50_051 },
    LOMS_ORIGINS: ["http://localhost:8084", "http://127.0.0.1:8084"],
    LOG_LEVEL: "info",
  });
});

test("cartConfig() reads 0 as no cache", () => {
  expect(cartConfig({ PRODUCT_CACHE_TTL: "0" }).PRODUCT_CACHE_TTL).toBe(0);
});

test("cartConfig() accepts a CART_TTL of years, and none of 0", () => {
  expect(cartConfig({ CART_TTL: "87600h" }).CART_TTL).toBe(3_650 * 86_400_000);
  expect(() => cartConfig({ CART_TTL: "0" })).toThrow("CART_TTL: must be longer than 0");
});

test("cartConfig() reports every wrong setting at once, and no token", () => {
  const wrong = { CART_HTTP: "8082x", PRODUCT_CACHE_TTL: "soon", PRODUCT_TOKEN: "hunter2" };
  expect(() => cartConfig(wrong)).toThrow(/CART_HTTP[^]*PRODUCT_CACHE_TTL/);
  expect(() => cartConfig(wrong)).not.toThrow("hunter2");
});

test("cartConfig() describes the error in the URL of a store, without its password", () => {
  const wrong = { CART_STORE_URL: "redis://:hunter2@a:1,b:2" };
  expect(() => cartConfig(wrong)).toThrow("CART_STORE_URL: has several hosts");
  expect(() => cartConfig(wrong)).not.toThrow("hunter2");
});
