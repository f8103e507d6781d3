import { z } from "zod";
import { INT64_MAX, UINT32_MAX } from "./loms/v1/limits.ts";
import { int64Amount, integerFrom, shown, skuNumber } from "./loms/v1/schemas.ts";

// Messages of the stock API, which loms serves on a separate listener.

/** The kind of a change of stock: units that arrived or left, or counted totals. */
const STOCK_CHANGE_KINDS = ["received", "counted"] as const;
export type StockChangeKind = typeof STOCK_CHANGE_KINDS[number];

/** The movements of the ledger; `opening` is the stock from before the ledger. */
const STOCK_MOVEMENT_KINDS = ["opening", ...STOCK_CHANGE_KINDS] as const;
export type StockMovementKind = typeof STOCK_MOVEMENT_KINDS[number];

/** Lines of one change. */
export const STOCK_LINES_MAX = 1000;
/** Characters of a reason and of a reference. */
export const STOCK_TEXT_MAX = 255;
/** Units that one line may add or take out. */
const STOCK_RECEIVE_MAX = 2 ** 31 - 1;
/** Entries of one page. */
export const STOCK_PAGE_MAX = 1000;
const PAGE_DEFAULT = 100;

const TEXT_RULE = `must be 1 to ${STOCK_TEXT_MAX} characters`;

/** Characters are code points. The database stores neither NUL nor half a surrogate pair. */
export const stockText = z.unknown().transform((value, context): string => {
  if (typeof value !== "string") {
    context.addIssue(`${TEXT_RULE}, got ${shown(value)}`);
    return z.NEVER;
  }
  const { length } = [...value];
  if (length < 1 || length > STOCK_TEXT_MAX) context.addIssue(`${TEXT_RULE}, got ${length}`);
  else if (value.includes("\0") || !value.isWellFormed()) {
    context.addIssue(`must be text without NUL, got ${shown(value)}`);
  }
  return value;
}).meta({ type: "string", minLength: 1, maxLength: STOCK_TEXT_MAX });

const units = integerFrom(-STOCK_RECEIVE_MAX, STOCK_RECEIVE_MAX, "int32")
  .refine((count) => count !== 0, { error: "must not be 0" });

const reason = stockText.meta({ description: "Why, for readers of the movements" });
const reference = stockText.meta({
  description: "Names the whole call, as a delivery note does: a repetition changes nothing and " +
    "gets the first answer again",
});

/** `lines` of one change, each SKU once. */
function linesOf<Line extends z.ZodType<{ readonly sku: number }>>(line: Line) {
  return z.array(line)
    .min(1, "must have at least one line")
    .max(STOCK_LINES_MAX, `must have at most ${STOCK_LINES_MAX} lines`)
    .superRefine((lines, context) => {
      const seen = new Set<number>();
      for (const [index, { sku }] of lines.entries()) {
        if (seen.has(sku)) {
          const message = `must be in one line, got ${sku} again`;
          context.addIssue({ code: "custom", path: [index, "sku"], message });
        }
        seen.add(sku);
      }
    });
}

export const stockReceiveRequest = z.strictObject({
  lines: linesOf(
    z.strictObject({
      sku: skuNumber,
      count: units.meta({ description: "Units that arrived; below 0, units that left" }),
    }).meta({ id: "ReceivedLine" }),
  ),
  reason,
  reference,
}).meta({ id: "StockReceiveRequest" });

export const stockCountRequest = z.strictObject({
  lines: linesOf(
    z.strictObject({
      sku: skuNumber,
      total_count: int64Amount.meta({
        description: "Units that are there, reserved ones among them",
      }),
    }).meta({ id: "CountedLine" }),
  ),
  reason,
  reference,
}).meta({ id: "StockCountRequest" });

const stockRow = z.strictObject({
  sku: skuNumber,
  total_count: int64Amount.meta({ description: "Units in the warehouse" }),
  reserved: int64Amount.meta({ description: "Units of the total that unpaid orders hold" }),
}).meta({ id: "StockRow" });

export const stockChangeResponse = z.strictObject({ lines: z.array(stockRow) })
  .meta({ id: "StockChangeResult" });

const limit = integerFrom(1, STOCK_PAGE_MAX, "int32").default(PAGE_DEFAULT)
  .meta({ description: "Entries of a page; a shorter page is the last" });

export const stockListRequest = z.strictObject({
  after: integerFrom(0, UINT32_MAX, "int64").default(0)
    .meta({ description: "The last SKU of the page before" }),
  limit,
}).meta({ id: "StockListRequest" });

export const stockListResponse = z.strictObject({ items: z.array(stockRow) })
  .meta({ id: "StockListResult" });

export const stockMovementsRequest = z.strictObject({
  sku: skuNumber,
  after: int64Amount.default(0n).meta({ description: "The last id of the page before" }),
  limit,
}).meta({ id: "StockMovementsRequest" });

const signedAmount = z.bigint()
  .meta({ type: "integer", format: "int64", minimum: -INT64_MAX, maximum: INT64_MAX });

/** An entry of the ledger. */
const stockMovement = z.strictObject({
  id: int64Amount,
  sku: skuNumber,
  kind: z.enum(STOCK_MOVEMENT_KINDS),
  count: signedAmount.meta({ description: "The change" }),
  total_count: int64Amount.meta({ description: "Units in the warehouse after it" }),
  reason: z.string(),
  reference: z.string(),
  at: z.iso.datetime({ precision: 3 }).meta({ description: "RFC 3339 in UTC, to the ms" }),
}).meta({ id: "StockMovement" });
export type StockMovement = z.output<typeof stockMovement>;

export const stockMovementsResponse = z.strictObject({ movements: z.array(stockMovement) })
  .meta({ id: "StockMovementsResult" });
