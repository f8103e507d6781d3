import { expect, test } from "vitest";
import { pathAndQuery } from "./request-target.ts";

test.each([
  ["/", "/"],
  ["/a/../b?c", "/a/../b?c"],
  ["//b/a", "//b/a"],
  ["http://b/a?c", "/a?c"],
  ["HTTPS://b:80/a", "/a"],
  ["http://b", "/"],
  ["http://b?a=/c", "/?a=/c"],
  ["http://[::1]:80/a", "/a"],
])("the target %s names %s", (target, named) => {
  expect(pathAndQuery(target, "GET")).toBe(named);
});

test.each([
  "",
  "a",
  "*",
  "ftp://b/a",
  "http:///a",
  "http:/a",
  "http://u@b/a",
  "http://b c/a",
  "b:80",
])(
  "the target %s names nothing",
  (target) => {
    expect(pathAndQuery(target, "GET")).toBeUndefined();
  },
);

test("OPTIONS alone may name the server as a whole", () => {
  expect(pathAndQuery("*", "OPTIONS")).toBe("*");
  expect(pathAndQuery("*", "POST")).toBeUndefined();
});
