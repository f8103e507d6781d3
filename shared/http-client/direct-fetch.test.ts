import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { splitCredentials } from "./direct-fetch.ts";

test.each([
  ["http://shop:hunter2@host:81/api?x=1", "http://host:81/api?x=1", "shop:hunter2"],
  ["https://shop@host/", "https://host/", "shop:"],
  ["http://:hunter2@host/", "http://host/", ":hunter2"],
  ["http://s%40hop:p%3Aa%2Fs%25@host/", "http://host/", "s@hop:p:a/s%"],
  ["http://a%zz:%@host/", "http://host/", "a%zz:%"],
  ["http://пользователь:пароль@host/", "http://host/", "пользователь:пароль"],
])("splitCredentials() removes the credentials of %s", (text, url, pair) => {
  const authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  expect(splitCredentials(text)).toEqual({ url, authorization });
});

test("splitCredentials() returns a URL without credentials unchanged", () => {
  expect(splitCredentials("http://host:8090//x/")).toEqual({ url: "http://host:8090//x/" });
});
