import { expect, test } from "vitest";
import { checkStore, readStoreUrl } from "./store-url.ts";

const DEFAULTS = { tls: false, database: 0 };

test.each([
  ["redis://store", { kind: "server", hosts: [{ host: "store", port: 6379 }] }],
  ["redis://[::1]:7000/3", { hosts: [{ host: "::1", port: 7000 }], database: 3 }],
  ["rediss://store:6380", { tls: true, hosts: [{ host: "store", port: 6380 }] }],
  ["redis://:p%40s%2Fs@store", { username: undefined, password: "p@s/s" }],
  ["redis://me:secret@store", { username: "me", password: "secret" }],
  ["redis+cluster://a:1,b", {
    kind: "cluster",
    hosts: [{ host: "a", port: 1 }, { host: "b", port: 6379 }],
  }],
  ["rediss+sentinel://:p@a,[fd00::2]:7/shop/2?sentinel_password=s%26t", {
    kind: "sentinel",
    hosts: [{ host: "a", port: 26_379 }, { host: "fd00::2", port: 7 }],
    ...{ primary: "shop", tls: true, database: 2, password: "p", sentinelPassword: "s&t" },
  }],
])("readStoreUrl() reads %s", (url, address) => {
  expect(readStoreUrl(url)).toMatchObject({ ...DEFAULTS, ...address });
});

test.each([
  ["http://store", "is not a URL such as redis://127.0.0.1:6379/0"],
  ["redis:store", "is not a URL such as"],
  ["redis://", "is not a URL such as"],
  ["redis://a:1,b:2", "has several hosts, as only redis+cluster and redis+sentinel have"],
  ["redis://a:0", 'has "a:0" in place of a host or host:port'],
  ["redis://a:70000", 'has "a:70000" in place of a host or host:port'],
  ["redis+cluster://a,", 'has "" in place of a host or host:port'],
  ["redis://a/x", "has no number of a database in its path"],
  ["redis+cluster://a/1", "names a database, and a cluster has only number 0"],
  ["redis+sentinel://a", "has no name of a primary"],
  ["redis://me:%zz@a", "has a user or password that is not percent-encoded"],
  ["redis://a?timeout=3", 'has a parameter "timeout"'],
  ["redis://a?sentinel_password=x", 'has a parameter "sentinel_password"'],
])("readStoreUrl() refuses %s", (url, rule) => {
  expect(() => readStoreUrl(url)).toThrow(rule);
});

test.each([
  "redis://:hunter/2@store",
  "redis://me:hunter/2?x=3@store",
  "redis+sentinel://a/shop?hunter@2=x",
])("readStoreUrl() repeats nothing of a password that is not percent-encoded: %s", (url) => {
  expect(() => readStoreUrl(url)).toThrow("passwords are percent-encoded");
  expect(() => readStoreUrl(url)).not.toThrow("hunter");
});

test("checkStore() finds TLS settings that would have no effect", () => {
  expect(checkStore({ CART_STORE_URL: "redis://a", CART_STORE_TLS_CA: "ca.pem" })).toEqual([
    { name: "CART_STORE_TLS_CA", message: "needs a CART_STORE_URL that begins with rediss" },
  ]);
  expect(checkStore({ CART_STORE_URL: "rediss://a", CART_STORE_TLS_CERT: "cert.pem" })).toEqual([
    { name: "CART_STORE_TLS_CERT", message: "needs CART_STORE_TLS_KEY" },
  ]);
  expect(checkStore({ CART_STORE_URL: "rediss+cluster://a", CART_STORE_TLS_CA: "ca" })).toEqual([]);
});
