import { expect, test } from "vitest";
import { hostFault, hostOf, isHostPort } from "./host-header.ts";

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
])("%s is no host", (host) => {
  expect(isHostPort(host)).toBe(false);
});

test("hostFault() takes one Host in HTTP/1.1, and none or one in HTTP/1.0", () => {
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

test.each([["LocalHost:80", "localhost"], ["[::1]:80", "[::1]"], ["[::1]", "[::1]"], ["a", "a"]])(
  "the host of %s is %s",
  (hostPort, host) => {
    expect(hostOf(hostPort)).toBe(host);
  },
);
