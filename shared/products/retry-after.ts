const SECONDS = /^[0-9]{1,9}$/;
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/**
 * A `Retry-After` header (RFC 9110, section 10.2.3), which is in seconds or a date, as ms from now;
 * undefined when it is neither.
 */
export function parseRetryAfter(header: string | undefined, epochMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (SECONDS.test(text)) return Number(text) * 1_000;
  // Date.parse reads much that is no date of HTTP; those begin with a weekday.
  const at = HTTP_DATE.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - epochMs);
}
