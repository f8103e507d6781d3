import { expect, test } from "vitest";
import { acceptsGzip, requireJsonAccepted } from "./accept.ts";
import type { HttpContext } from "./exchange.ts";

function isRefused(accept: string): boolean {
  const headers = new Headers({ accept });
  try {
    requireJsonAccepted({ req: { raw: { headers } } } as unknown as HttpContext);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ status: 406, code: "invalid_argument" });
    return true;
  }
}

test.each([
  "",
  "*/*",
  "application/json",
  "application/*",
  "Application/JSON; charset=utf-8",
  "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "text/html;q=0, application/json;q=0.001",
  "application/problem+json, application/json",
])("Accept: %s takes JSON", (accept) => expect(isRefused(accept)).toBe(false));

test.each([
  "text/html",
  "application/xml",
  "text/*, image/*;q=0.5",
  "application/json;q=0",
  "application/json;q=0, */*",
  "*/*;q=0",
  ",;q",
])("Accept: %s is refused", (accept) => expect(isRefused(accept)).toBe(true));

test("a caller without Accept takes everything", () => {
  const headers = new Headers();
  requireJsonAccepted({ req: { raw: { headers } } } as unknown as HttpContext);
});

test.each([
  ["gzip", true],
  ["br, gzip;q=0.5", true],
  ["*", true],
  ["GZIP", true],
  ["br", false],
  ["identity", false],
  ["gzip;q=0, *", false],
  ["", false],
])("Accept-Encoding: %s takes gzip: %s", (accepted, takes) => {
  expect(acceptsGzip(new Headers({ "accept-encoding": accepted }))).toBe(takes);
});
