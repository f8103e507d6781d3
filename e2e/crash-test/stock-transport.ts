import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import { parseJson } from "../../shared/json.ts";
import { readAnswer } from "./answer.ts";
import type { Delivery } from "./delivery.ts";

/** Longer than loms' own deadline, so that its answer arrives first. */
const REQUEST_MAX_MS = 8_000;

export type StockAnswer =
  /** The totals of the lines, as `sku: total`, ascending by SKU. */
  | { readonly kind: "changed"; readonly totals: string }
  /** A definite refusal: nothing was changed. */
  | { readonly kind: "below_reserved" }
  | { readonly kind: "unknown" | "strange"; readonly why: string };

/** The stock API. Requests never throw: a failure is an answer. */
export interface StockTransport {
  change(delivery: Delivery): Promise<StockAnswer>;
}

interface Changed {
  readonly lines: readonly { readonly sku: number; readonly total_count: number | bigint }[];
}

/** The stock API at `url`, over real connections. */
export function openStockTransport(url: string): StockTransport {
  const directFetch = createDirectFetch();
  return {
    async change({ reference, kind, lines }) {
      const counted = kind === "count";
      const body = {
        lines: lines.map(({ sku, count }) =>
          counted ? { sku, total_count: count } : { sku, count }
        ),
        ...{ reason: "crash test", reference },
      };
      try {
        const response = await directFetch(`${url}/v1/stock/${kind}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(REQUEST_MAX_MS),
        });
        return toStockAnswer(response.status, parseJson(await response.text()));
      } catch (error) {
        return { kind: "unknown", why: (error as Error).message };
      }
    },
  };
}

function toStockAnswer(status: number, body: unknown): StockAnswer {
  const answer = readAnswer(status, body as Readonly<Record<string, unknown>>);
  switch (answer.kind) {
    case "done": {
      const { lines } = body as Changed;
      const totals = lines.map(({ sku, total_count }) => `${sku}: ${total_count}`).join(", ");
      return { kind: "changed", totals };
    }
    case "refused":
      return answer.status === 412
        ? { kind: "below_reserved" }
        : { kind: "strange", why: String(answer.status) };
    default:
      return answer;
  }
}
