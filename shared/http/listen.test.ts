import { expect, test } from "vitest";
import { hostFault, isHostPort, pathAndQuery } from "./listen.ts";

test.each([
  "a",
  "localhost:8082",
  "127.0.0.1",
  "a:",
  "a:99999",
  "A.Example.",
  "a_b~c",
  "a%2Fb",
  "a!$&'()*+,;=b",
  "[::1]",
  "[::1]:80",
  "[::ffff:127.0.0.1]",
  "[v1.a:b]",
])("%s is a host with or without a port", (host) => {
  expect(isHostPort(host)).toBe(true);
});

test.each([
  "",
  ":80",
  "a b",
  "a/b",
  "a?b",
  "a#b",
  "a\\b",
  "u@a",
  "a:b",
  "a:80:81",
  "a:-1",
  "a%2",
  "é",
  "a, b",
  "::1",
  "[::1",
  "[::1]a",
  "[1]",
  "[fe80::1%25eth0]",
  "[]",
])("%j is not a host", (host) => {
  expect(isHostPort(host)).toBe(false);
});

test("hostFault() accepts one Host in HTTP/1.1, and at most one in HTTP/1.0", () => {
  const one = ["Accept", "*/*", "hOST", "a"];
  const two = [...one, "Host", "a"];
  expect(hostFault(one, "1.1")).toBeUndefined();
  expect(hostFault(["Host", ""], "1.1")).toBeUndefined();
  expect(hostFault(["Hosts", "a b", "Accept", "*/*"], "1.0")).toBeUndefined();
  expect(hostFault(["Hosts", "a", "Accept", "*/*"], "1.1")).toBe("The request has no Host");
  expect(hostFault(two, "1.1")).toBe("The request has more than one Host");
  expect(hostFault(two, "1.0")).toBe("The request has more than one Host");
  expect(hostFault(["Host", "a/b"], "1.0")).toContain("is not a host");
});

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
  "the target %j is invalid",
  (target) => {
    expect(pathAndQuery(target, "GET")).toBeUndefined();
  },
);

test("only OPTIONS can name the server as a whole", () => {
  expect(pathAndQuery("*", "OPTIONS")).toBe("*");
  expect(pathAndQuery("*", "POST")).toBeUndefined();
});
