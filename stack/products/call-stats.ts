import type { ProductMethod } from "../../proto/product-service.ts";
import type { Clock } from "../../shared/async/clock.ts";

const SECOND_MS = 1_000;

/** What `GET /stats` shows. */
export interface CallStatsView {
  readonly calls: Readonly<Record<ProductMethod, number>>;
  /** The most calls that came in any second, wherever that second begins. */
  readonly max_in_any_second: number;
}

/** Counts calls as they arrive, whatever they are answered. */
export class CallStats {
  readonly #clock: Clock;
  #calls = { get_product: 0, list_skus: 0 };
  /** When the calls of the last second came. */
  #arrivals: number[] = [];
  #maxInAnySecond = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(method: ProductMethod): void {
    this.#calls[method]++;
    const now = this.#clock.now();
    this.#arrivals.push(now);
    // The fullest second ends with an arrival, so looking back from each of them finds it.
    const first = this.#arrivals.findIndex((at) => at > now - SECOND_MS);
    this.#arrivals.splice(0, first);
    this.#maxInAnySecond = Math.max(this.#maxInAnySecond, this.#arrivals.length);
  }

  view(): CallStatsView {
    return { calls: { ...this.#calls }, max_in_any_second: this.#maxInAnySecond };
  }

  reset(): void {
    this.#calls = { get_product: 0, list_skus: 0 };
    this.#arrivals = [];
    this.#maxInAnySecond = 0;
  }
}
