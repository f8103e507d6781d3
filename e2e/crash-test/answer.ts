/** A definite no. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  /** The order that failed, if one was made. */
  readonly orderId: bigint | undefined;
  /** What the cart costs, if that is why. */
  readonly totalPrice?: bigint;
}

/** What a buyer knows after a request. */
export type Answer =
  | { readonly kind: "done"; readonly orderId: bigint | undefined }
  | Refused
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
  if (!REFUSALS.includes(status)) return { kind: "strange", why };
  const total = body["total_price"];
  const price = total === undefined ? {} : { totalPrice: BigInt(total as number | bigint) };
  return { kind: "refused", status, orderId, ...price };
}
