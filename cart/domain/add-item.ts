import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { CART_LINES_MAX, deadlineAsUnavailable, LINE_COUNT_MAX, productSku } from "./cart.ts";
import type { AddItemOutcome, CartLine, Deps } from "./deps.ts";

export interface AddItemInput {
  readonly userId: bigint;
  /** int64 above 0. */
  readonly sku: bigint;
  readonly count: number;
}

/**
 * Adds an item to the cart.
 * @throws {AppError} `failed_precondition` if the SKU is not a product, has no stock row, or the
 * new count would exceed the stock or a limit; `unavailable` if another service cannot answer. The
 * cart is then unchanged.
 */
export async function addItem(
  deps: Pick<Deps, "carts" | "products" | "stocks">,
  { userId, sku: givenSku, count }: AddItemInput,
  context: RequestContext,
): Promise<void> {
  const sku = productSku(givenSku);
  const product = sku && await deps.products.getProduct(sku, context)
    .catch((error) => deadlineAsUnavailable("product service", error));
  if (!sku || !product) throw refused(`Sku ${givenSku} is not a product`);
  const available = await deps.stocks.stocksInfo(sku, context)
    .catch((error) => deadlineAsUnavailable("loms", error));
  if (available === undefined) throw refused(`Sku ${sku} is not in stock at all`);
  // The store compares and adds in one step, so concurrent additions cannot exceed the stock.
  const countMax = Math.min(Number(available), LINE_COUNT_MAX);
  const limits = { countMax, linesMax: CART_LINES_MAX };
  const outcome = await deps.carts.addItem(userId, { sku, count }, limits, context);
  if (outcome.kind !== "added") throw notAdded(outcome, { sku, count }, available);
}

function refused(message: string): AppError {
  return new AppError("failed_precondition", message);
}

function notAdded(
  outcome: Exclude<AddItemOutcome, { kind: "added" }>,
  { sku, count }: CartLine,
  available: bigint,
): AppError {
  if (outcome.kind === "lines_exceeded") {
    return refused(`Cannot add sku ${sku}: the cart has ${CART_LINES_MAX} different ones already`);
  }
  const limit = available > LINE_COUNT_MAX
    ? `at most ${LINE_COUNT_MAX} in one cart`
    : `${available} in stock`;
  return refused(`Cannot add ${count} of sku ${sku}: ${outcome.inCart} in the cart, ${limit}`);
}
