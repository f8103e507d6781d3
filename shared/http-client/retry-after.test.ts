import { afterEach, expect, test, vi } from "vitest";
import { formatRetryAfter, parseRetryAfter, RETRY_AFTER_MAX_S } from "./retry-after.ts";

const NOW = Date.UTC(2026, 0, 1);
const MAX_MS = RETRY_AFTER_MAX_S * 1_000;

afterEach(() => vi.unstubAllEnvs());

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7_000],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
  ["Thursday, 01-Jan-26 00:00:30 GMT", 30_000],
  ["Thu Jan  1 00:00:30 2026", 30_000],
  ["Thu Jan 1 00:00:30 2026", 30_000],
  ["Sat Jan 10 00:00:00 2026", 9 * 86_400_000],
  ["Sunday, 29-Feb-32 23:59:60 GMT", Date.UTC(2032, 2, 1) - NOW],
  ["Wed, 31 Dec 2025 23:59:00 GMT", 0],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
  ["Friday, 01-Jan-77 00:00:00 GMT", 0],
])("parseRetryAfter() reads %j as %d ms", (header, ms) => {
  expect(parseRetryAfter(header, NOW)).toBe(ms);
});

test.each(["America/New_York", "Asia/Tokyo"])("a date is in GMT when TZ is %s", (zone) => {
  vi.stubEnv("TZ", zone);
  expect(parseRetryAfter("Thu Jan  1 00:00:30 2026", NOW)).toBe(30_000);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", NOW)).toBe(30_000);
  expect(parseRetryAfter("Thursday, 01-Jan-26 00:00:30 GMT", NOW)).toBe(30_000);
});

test.each([
  ["2147483647", MAX_MS],
  ["2147483648", MAX_MS],
  ["99999999999", MAX_MS],
  ["9".repeat(400), MAX_MS],
  ["Fri, 31 Dec 9999 23:59:59 GMT", MAX_MS],
  ["Tuesday, 01-Jan-75 00:00:00 GMT", Date.UTC(2075, 0, 1) - NOW],
])("parseRetryAfter() limits a long pause to the maximum: %j", (header, ms) => {
  expect(parseRetryAfter(header, NOW)).toBe(ms);
});

test.each([
  ...[undefined, "", "-1", "1.5", "1e3", "soon", "2026-01-01", "Someday", "Mon, soon"],
  ...["Thu, 01 Jan 2026 00:00:30", "Thu, 01 Jan 2026 00:00:30 +0300"],
  ...["Thu, 31 Feb 2026 00:00:30 GMT", "Thu, 01 Jan 2026 24:00:00 GMT", "Thu, 01 Jan 2026 GMT"],
])("parseRetryAfter() returns undefined for %j", (header) => {
  expect(parseRetryAfter(header, NOW)).toBeUndefined();
});

test.each([
  [0, "1"],
  [1, "1"],
  [1_001, "2"],
  [MAX_MS, "2147483647"],
  [MAX_MS + 1, "2147483647"],
  [Infinity, "2147483647"],
])("formatRetryAfter() writes %d ms as %s s", (ms, header) => {
  expect(formatRetryAfter(ms)).toBe(header);
});
