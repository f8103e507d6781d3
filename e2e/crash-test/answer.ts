/** What a buyer knows after a request. */
export type Answer =
  | { readonly kind: "done"; readonly orderId: bigint | undefined }
  /** A definite no; with the order that failed, if one was made. */
  | { readonly kind: "refused"; readonly status: number; readonly orderId: bigint | undefined }
  /** It may have happened or not: 503, 504, no answer at all; or nothing was tried: 429. */
  | { readonly kind: "unknown"; readonly why: string }
  /** What no request should be answered. */
  | { readonly kind: "strange"; readonly why: string };

const REFUSALS: readonly number[] = [404, 409, 412];
const UNKNOWN: readonly number[] = [429, 503, 504];

/** From a status and a JSON body in which every digit is kept. */
export function readAnswer(status: number, body: Readonly<Record<string, unknown>>): Answer {
  const id = body["order_id"] ?? body["orderID"];
  const orderId = id === undefined ? undefined : BigInt(id as number | bigint | string);
  if (status >= 200 && status < 300) return { kind: "done", orderId };
  const why = `${status} ${String(body["detail"] ?? "")}`;
  if (UNKNOWN.includes(status)) return { kind: "unknown", why };
  return REFUSALS.includes(status)
    ? { kind: "refused", status, orderId }
    : { kind: "strange", why };
}
