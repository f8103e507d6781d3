import { STOCK_LINES_MAX, STOCK_TEXT_MAX } from "../../proto/stock-api.ts";
import type { StockApi } from "../clients/gen/stock/sdk.gen.ts";
import { UsageError } from "../tool.ts";
import type { CountedLine } from "./read-stock-file.ts";

/** Interval of progress reports. */
const PROGRESS_CALLS = 10;

export interface ImportOptions {
  readonly reason: string;
  /** Call number n uses the reference `<reference>#<n>`. */
  readonly reference: string;
  /** Called periodically with the number of lines that were set. */
  readonly onProgress: (lines: number) => void;
}

/** Identifies a failed call, with the problem or error as its cause. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

/**
 * Sets counted stock, in calls of a thousand lines. Run again with the same lines and reference
 * after an interruption, it repeats the calls that succeeded, which changes nothing.
 * @returns the number of calls
 * @throws {ImportError} naming the failed call; earlier calls have succeeded
 */
export async function importLines(
  api: Pick<StockApi, "stockCount">,
  lines: readonly CountedLine[],
  { reason, reference, onProgress }: ImportOptions,
): Promise<number> {
  const calls = Math.ceil(lines.length / STOCK_LINES_MAX);
  const longest = `${reference}#${calls}`;
  if ([...longest].length > STOCK_TEXT_MAX) {
    throw new UsageError(`the reference ${longest} is longer than ${STOCK_TEXT_MAX} characters`);
  }
  for (let call = 1; call <= calls; call++) {
    const from = (call - 1) * STOCK_LINES_MAX;
    const some = lines.slice(from, from + STOCK_LINES_MAX);
    const body = {
      lines: some.map(({ sku, total_count }) => ({ sku: BigInt(sku), total_count })),
      reason,
      reference: `${reference}#${call}`,
    };
    try {
      await api.stockCount({ body, throwOnError: true });
    } catch (cause) {
      const rows = `rows ${from + 1} to ${from + some.length}`;
      throw new ImportError(`${rows}, reference ${body.reference}: not set`, { cause });
    }
    if (call % PROGRESS_CALLS === 0 && call < calls) onProgress(from + some.length);
  }
  return calls;
}
