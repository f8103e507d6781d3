import { expect, test } from "vitest";
import { productServer } from "./product-server.ts";

test.each([
  ["http://10.0.0.9:8090", "10.0.0.9", 8090, "http://10.0.0.9:8090"],
  [
    "https://user:secret@products.example/v1/",
    "products.example",
    443,
    "https://products.example/v1",
  ],
  ["http://[::1]", "::1", 80, "http://[::1]"],
])("productServer() names the server of %s", (text, address, port, url) => {
  expect(productServer(text)).toEqual({ service: "products", address, port, url });
});
