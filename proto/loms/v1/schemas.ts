import { z } from "zod";
import { END_REASONS, ORDER_STATUSES } from "../../order-status.ts";
import {
  INT64_MAX,
  ORDER_LINES_MAX,
  STOCKS_INFO_SKUS_MAX,
  UINT16_MAX,
  UINT32_MAX,
} from "./limits.ts";

/** An id in paths and strings: digits only, no sign, no leading zero. */
const ID_TEXT = /^[1-9][0-9]{0,18}$/;

/** A refused value for a message, cut to a length that fits a log line. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "bigint" || typeof value === "number"
    ? String(value)
    : JSON.stringify(value) ?? typeof value;
  return text.length > 50 ? `${text.slice(0, 50)}…` : text;
}

/** The id in `value`, if it is one: int64 above 0, in digits. */
function readId(value: unknown): bigint | undefined {
  if (typeof value === "string") return ID_TEXT.test(value) ? withinId(BigInt(value)) : undefined;
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? withinId(BigInt(value)) : undefined;
  }
  return typeof value === "bigint" ? withinId(value) : undefined;
}

function withinId(id: bigint): bigint | undefined {
  return id >= 1n && id <= INT64_MAX ? id : undefined;
}

/**
 * An int64 id above 0, as a bigint. Reads a JSON integer, a bigint (gRPC, or JSON above 2^53) and
 * a decimal string of the form `[1-9][0-9]*`.
 */
export const int64Id = z.unknown().transform((value, context): bigint => {
  const id = readId(value);
  if (id !== undefined) return id;
  context.addIssue(`must be an integer from 1 to ${INT64_MAX}, got ${shown(value)}`);
  return z.NEVER;
}).meta({ type: "integer", format: "int64", minimum: 1, maximum: INT64_MAX });

/** An integer from `min` to `max`, from a JSON integer or a protobuf uint32. */
export function integerFrom(min: number, max: number, format: string) {
  return z.unknown().transform((value, context): number => {
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    context.addIssue(`must be an integer from ${min} to ${max}, got ${shown(value)}`);
    return z.NEVER;
  }).meta({ type: "integer", format, minimum: min, maximum: max });
}

/** A SKU of the product service and of loms: uint32 above 0. */
export const skuNumber = integerFrom(1, UINT32_MAX, "int64");

/** The number of units of a SKU: uint16 above 0. */
export const itemCount = integerFrom(1, UINT16_MAX, "int32");

/** The price of one unit, in the shop's unit of money: uint32. */
const unitPrice = integerFrom(0, UINT32_MAX, "int64");

/** An int64 from 0, as a bigint, from a JSON integer. */
export const int64Amount = z.unknown().transform((value, context): bigint => {
  const amount = Number.isSafeInteger(value) ? BigInt(value as number) : value;
  if (typeof amount === "bigint" && amount >= 0n && amount <= INT64_MAX) return amount;
  context.addIssue(`must be an integer from 0 to ${INT64_MAX}, got ${shown(value)}`);
  return z.NEVER;
}).meta({ type: "integer", format: "int64", minimum: 0, maximum: INT64_MAX });

// Messages of loms.proto.

const item = z.strictObject({
  sku: skuNumber,
  count: itemCount,
  price: unitPrice.optional().meta({ description: "Of one unit, as it was agreed" }),
}).meta({ id: "Item" });
const noFields = z.strictObject({});
const orderRef = z.strictObject({ orderID: int64Id });

type Item = z.output<typeof item>;

interface SkuLine {
  readonly sku: number;
  readonly count: number;
  readonly price?: number;
}

/** One line a SKU, with its price if it has one; ascending by SKU. */
function sumBySku(lines: readonly Item[]): SkuLine[] {
  const summed = new Map<number, SkuLine>();
  for (const { sku, count, price } of lines) {
    const sum = (summed.get(sku)?.count ?? 0) + count;
    summed.set(sku, { sku, count: sum, ...price !== undefined && { price } });
  }
  return [...summed.values()].sort((a, b) => a.sku - b.sku);
}

/** The SKUs that have lines of different prices, or lines with a price and lines without. */
function pricedTwice(lines: readonly Item[]): Set<number> {
  const prices = new Map<number, number | undefined>();
  const found = new Set<number>();
  for (const { sku, price } of lines) {
    if (prices.has(sku) && prices.get(sku) !== price) found.add(sku);
    prices.set(sku, price);
  }
  return found;
}

const items = z.array(item)
  .min(1, "must have at least one line")
  .max(ORDER_LINES_MAX, `must have at most ${ORDER_LINES_MAX} lines`)
  .transform((lines, context) => {
    const summed = sumBySku(lines);
    for (const { sku, count } of summed) {
      if (count <= UINT16_MAX) continue;
      context.addIssue(`counts of sku ${sku} add up to ${count}, more than ${UINT16_MAX}`);
    }
    // Lines of one SKU are rare.
    if (summed.length < lines.length) {
      for (const sku of pricedTwice(lines)) context.addIssue(`prices of sku ${sku} differ`);
    }
    return summed;
  });

export const orderCreateRequest = z.strictObject({ user: int64Id, items })
  .meta({ id: "OrderCreateRequest" });
export const orderCreateResponse = z.strictObject({ orderID: int64Id })
  .meta({ id: "OrderCreateResult" });

const totalPrice = int64Amount.optional()
  .meta({ description: "The sum of price times count, when every line has a price" });

export const orderInfoRequest = orderRef.meta({ id: "OrderInfoRequest" });
export const orderInfoResponse = z.strictObject({
  status: z.enum(ORDER_STATUSES),
  user: int64Id,
  items: z.array(item),
  total_price: totalPrice,
  reason: z.enum(END_REASONS).optional().meta({
    description: "Why a cancelled or failed order ended; absent for one that ended before " +
      "reasons were stored",
  }),
}).meta({ id: "OrderInfoResult" });

/** Orders of one page of OrderList. */
export const ORDER_PAGE_MAX = 100;
const ORDER_PAGE_DEFAULT = 20;
/** There are fewer statuses; a longer list is a mistake. */
const STATUSES_MAX = 100;

export const orderListRequest = z.strictObject({
  user: int64Id,
  statuses: z.array(z.enum(ORDER_STATUSES))
    .max(STATUSES_MAX, `must have at most ${STATUSES_MAX} statuses`)
    .default([])
    .transform((statuses) => [...new Set(statuses)].sort())
    .meta({ description: "Only orders of these statuses; all when there are none" }),
  page_size: integerFrom(1, ORDER_PAGE_MAX, "int32").default(ORDER_PAGE_DEFAULT),
  page_token: z.string().default("").meta({
    description: "The `next_page_token` of the page before, for the same user and statuses; " +
      "left out or empty for the first page",
  }),
}).meta({ id: "OrderListRequest" });
export const orderListResponse = z.strictObject({
  orders: z.array(
    z.strictObject({
      orderID: int64Id,
      status: z.enum(ORDER_STATUSES),
      created_at: z.iso.datetime({ precision: 3 })
        .meta({ description: "RFC 3339 in UTC, to the millisecond" }),
      items: z.array(item),
      total_price: totalPrice,
    }).meta({ id: "ListedOrder" }),
  ),
  next_page_token: z.string().meta({ description: "Of the next page; empty when there is none" }),
}).meta({ id: "OrderListResult" });

export const orderPayRequest = orderRef.meta({ id: "OrderPayRequest" });
export const orderPayResponse = noFields.meta({ id: "OrderPayResult" });

export const orderCancelRequest = orderRef.meta({ id: "OrderCancelRequest" });
export const orderCancelResponse = noFields.meta({ id: "OrderCancelResult" });

export const stocksInfoRequest = z.strictObject({ sku: skuNumber })
  .meta({ id: "StocksInfoRequest" });
export const stocksInfoResponse = z.strictObject({ count: int64Amount })
  .meta({ id: "StocksInfoResult" });

export const stocksInfoListRequest = z.strictObject({
  skus: z.array(skuNumber)
    .min(1, "must have at least one SKU")
    .max(STOCKS_INFO_SKUS_MAX, `must have at most ${STOCKS_INFO_SKUS_MAX} SKUs`),
}).meta({ id: "StocksInfoListRequest" });
export const stocksInfoListResponse = z.strictObject({
  items: z.array(z.strictObject({ sku: skuNumber, count: int64Amount }).meta({ id: "SkuStock" })),
}).meta({ id: "StocksInfoListResult" });

/** 1 to 255 printable ASCII characters. */
export const IDEMPOTENCY_KEY = /^[ -~]{1,255}$/;
