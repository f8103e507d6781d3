import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { OrderStatus } from "../../proto/order-status.ts";

// A token is base64url of: version (1 byte), id of the last order (8), digest (8). The digest
// covers the rest and the filter, so a token is valid for its list only and corruption is detected.
// It is no secret: a forged token returns a user's orders from another position.

const VERSION = 1;
const ORDER_OFFSET = 1;
const DIGEST_OFFSET = ORDER_OFFSET + 8;
const TOKEN_BYTES = DIGEST_OFFSET + 8;
/** In base64url, which has no padding. */
const TOKEN_LENGTH = Math.ceil(TOKEN_BYTES * 4 / 3);

/** The filter of a list of orders; statuses are sorted, without repeats. */
export interface OrderListFilter {
  readonly user: bigint;
  readonly statuses: readonly OrderStatus[];
}

/** The token of the page after an order. */
export function orderPageToken(orderId: bigint, filter: OrderListFilter): string {
  const bytes = Buffer.alloc(TOKEN_BYTES);
  bytes.writeUInt8(VERSION);
  bytes.writeBigInt64BE(orderId, ORDER_OFFSET);
  const digest = createHash("sha256")
    .update(bytes.subarray(0, DIGEST_OFFSET))
    .update([filter.user, ...filter.statuses].join(","))
    .digest();
  digest.copy(bytes, DIGEST_OFFSET);
  return bytes.toString("base64url");
}

/** The order before the token's page; undefined if the token does not belong to the list. */
export function readOrderPageToken(token: string, filter: OrderListFilter): bigint | undefined {
  if (token.length !== TOKEN_LENGTH) return undefined;
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length !== TOKEN_BYTES) return undefined;
  const orderId = bytes.readBigInt64BE(ORDER_OFFSET);
  return orderPageToken(orderId, filter) === token ? orderId : undefined;
}
