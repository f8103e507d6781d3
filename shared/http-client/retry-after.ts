/** The maximum in our OpenAPI documents, an int32: some 68 years. */
export const RETRY_AFTER_MAX_S = 2 ** 31 - 1;

const SECONDS = /^[0-9]+$/;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})";
/** The date formats of RFC 9110, 5.6.7, all in GMT: IMF-fixdate, RFC 850 and asctime. */
const DATES = [
  `${DAY}, (?<day>[0-9]{2}) ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT`,
  `${LONG_DAY}, (?<day>[0-9]{2})-${MONTH}-(?<shortYear>[0-9]{2}) ${TIME} GMT`,
  `${DAY} ${MONTH} (?<day>[ 0-9]?[0-9]) ${TIME} (?<year>[0-9]{4})`,
].map((form) => new RegExp(`^${form}$`));
/** A two-digit year is at most this far in the future. */
const FUTURE_MAX_YEARS = 50;

/**
 * The delay of a `Retry-After` header (RFC 9110, 10.2.3), a number of seconds or a date, in ms from
 * `epochMs` and at most {@link RETRY_AFTER_MAX_S}; undefined when it is neither.
 */
export function parseRetryAfter(header: string | undefined, epochMs: number): number | undefined {
  const text = header?.trim() ?? "";
  const afterMs = SECONDS.test(text) ? Number(text) * 1_000 : parseDate(text, epochMs) - epochMs;
  if (Number.isNaN(afterMs)) return undefined;
  return Math.min(Math.max(0, afterMs), RETRY_AFTER_MAX_S * 1_000);
}

/** The header for a delay: whole seconds, rounded up, from 1 to {@link RETRY_AFTER_MAX_S}. */
export function formatRetryAfter(afterMs: number): string {
  return String(Math.min(Math.max(1, Math.ceil(afterMs / 1_000)), RETRY_AFTER_MAX_S));
}

/** In ms since 1970; NaN if the text is not a date. `Date.parse` reads asctime as local time. */
function parseDate(text: string, nowMs: number): number {
  const parts = DATES.map((form) => form.exec(text)?.groups).find((groups) => groups);
  if (!parts) return NaN;
  const [day, hour, minute, second] = ["day", "hour", "minute", "second"]
    .map((name) => Number(parts[name])) as [number, number, number, number];
  const month = MONTHS.indexOf(parts["month"] as string);
  const year = parts["year"] ? Number(parts["year"]) : fullYear(Number(parts["shortYear"]), nowMs);
  // Date.UTC accepts values out of range; 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return NaN;
  const midnight = new Date(0).setUTCFullYear(year, month, day);
  if (new Date(midnight).getUTCDate() !== day) return NaN;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1_000;
}

function fullYear(shortYear: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - thisYear % 100 + shortYear;
  if (year > thisYear + FUTURE_MAX_YEARS) return year - 100;
  return year <= thisYear - FUTURE_MAX_YEARS ? year + 100 : year;
}
