/** A definite refusal. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  /** The failed order, if one was created. */
  readonly orderId: bigint | undefined;
  /** The total of the cart, if it is the reason. */
  readonly totalPrice?: bigint;
}

/** The outcome of a request for a buyer. */
export type Answer =
  | { readonly kind: "done"; readonly orderId: bigint | undefined }
  | Refused
  /** Unknown (503, 504 or no answer), or not tried (429). */
  | { readonly kind: "unknown"; readonly why: string }
  /** An answer that no request should get. */
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
