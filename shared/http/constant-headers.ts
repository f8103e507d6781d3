/**
 * On every answer unless its route says otherwise: answers are about one person, and none of them
 * is a page, a script or a frame, whatever a browser that is lured here makes of them.
 */
export const CONSTANT_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;
