import { STOCK_LINES_MAX, STOCK_TEXT_MAX } from "../../proto/stock-api.ts";
import type { StockApi } from "../clients/gen/stock/sdk.gen.ts";
import { UsageError } from "../tool.ts";
import type { CountedLine } from "./read-stock-file.ts";

/** So often is progress reported. */
const PROGRESS_CALLS = 10;

export interface ImportOptions {
  readonly reason: string;
  /** Call number n is made under `<reference>#<n>`. */
  readonly reference: string;
  /** Called now and then with how many lines are set. */
  readonly onProgress: (lines: number) => void;
}

/** What a call that failed was about, with the problem or error as its cause. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

/**
 * Sets what was counted, in calls of a thousand lines. Run again with the same lines and reference
 * after an interruption, it repeats the calls that succeeded, which changes nothing.
 * @returns how many calls it took
 * @throws {ImportError} naming the call that failed; those before it are done
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
