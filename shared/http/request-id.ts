/** Long enough for what proxies make, and harmless in a log line and in a header. */
const SANE_ID = /^[A-Za-z0-9._:+/=@-]{1,128}$/;

/** The caller's name for its request when it is a sane one, else `made`. */
export function requestIdOf(headers: Headers, made: string): string {
  const given = headers.get("x-request-id");
  return given !== null && SANE_ID.test(given) ? given : made;
}
