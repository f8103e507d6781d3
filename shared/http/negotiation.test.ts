import { expect, test } from "vitest";
import { acceptsGzip, acceptsJson } from "./negotiation.ts";

test.each([
  "*/*",
  "application/json",
  "application/*",
  "Application/JSON; charset=utf-8",
  "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "text/html;q=0, application/json;q=0.001",
  "application/problem+json, application/json",
])("Accept: %s includes JSON", (accept) => expect(acceptsJson(accept)).toBe(true));

test.each([
  "text/html",
  "application/xml",
  "text/*, image/*;q=0.5",
  "application/json;q=0",
  "application/json;q=0, */*",
  "*/*;q=0",
  ",;q",
])("Accept: %s excludes JSON", (accept) => expect(acceptsJson(accept)).toBe(false));

test.each([
  ["gzip", true],
  ["br, gzip;q=0.5", true],
  ["*", true],
  ["GZIP", true],
  ["br", false],
  ["identity", false],
  ["gzip;q=0, *", false],
  ["", false],
])("Accept-Encoding: %s includes gzip: %s", (accepted, takes) => {
  expect(acceptsGzip(new Headers({ "accept-encoding": accepted }))).toBe(takes);
});
