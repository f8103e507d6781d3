import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { SkuStock } from "./deps.ts";
import type { RefusedLine, StockChange, StockDeps } from "./stock-deps.ts";

/** SKUs in a message; a change has up to a thousand lines. */
const REFUSED_IN_MESSAGE_MAX = 10;

/**
 * Changes the stock of all lines or of none, and returns the new stock of each, ascending by SKU. A
 * repeated reference changes nothing and returns the first answer.
 * @throws {AppError} `failed_precondition` if a total would be below the reserved units, or above
 * int64; `already_exists` if the reference belongs to a change with other contents
 */
export async function stockChange(
  deps: Pick<StockDeps, "stockWriter" | "wakeStockRelay">,
  change: StockChange,
  context: RequestContext,
): Promise<readonly SkuStock[]> {
  const outcome = await deps.stockWriter.stockChange(change, context);
  switch (outcome.kind) {
    case "changed":
      deps.wakeStockRelay();
      return outcome.lines;
    case "refused":
      throw refusal(outcome.lines);
    case "reference_reused":
      throw new AppError(
        "already_exists",
        `The reference ${JSON.stringify(change.reference)} belongs to a change with other contents`,
      );
  }
}

function refusal(lines: readonly RefusedLine[]): AppError {
  const named = lines.slice(0, REFUSED_IN_MESSAGE_MAX).map(refusalOf);
  const unnamed = lines.length - named.length;
  const rest = unnamed > 0 ? `; and ${unnamed} more` : "";
  return new AppError("failed_precondition", `Nothing was changed: ${named.join("; ")}${rest}`);
}

function refusalOf({ rule, sku, totalCount, reserved }: RefusedLine): string {
  switch (rule) {
    case "below_reserved":
      return `sku ${sku} would have a total of ${totalCount}, and ${reserved} are reserved`;
    case "above_maximum":
      return `sku ${sku} has a total of ${totalCount} already, and the sum does not fit an int64`;
  }
}
