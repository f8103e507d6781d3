import { expect, test } from "vitest";
import { parseRetryAfter } from "./retry-after.ts";

const NOW = Date.UTC(2026, 0, 1);

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7_000],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
  ["Wed, 31 Dec 2025 23:59:00 GMT", 0],
])("parseRetryAfter() reads %j as %d ms", (header, ms) => {
  expect(parseRetryAfter(header, NOW)).toBe(ms);
});

test.each([undefined, "", "-1", "1.5", "soon", "2026-01-01", "Someday", "Mon, soon"])(
  "parseRetryAfter() makes nothing of %j",
  (header) => {
    expect(parseRetryAfter(header, NOW)).toBeUndefined();
  },
);
