import type { ProductMethod } from "../../proto/product-service.ts";
import type { Clock } from "../../shared/async/request-context.ts";

const SECOND_MS = 1_000;
/** Further clients are counted together, so that names cannot fill the memory. */
const CLIENTS_MAX = 100;
const NAME_MAX_CHARACTERS = 200;
const OTHERS = "others";

interface CallCounts {
  readonly calls: Readonly<Record<ProductMethod, number>>;
  /** The maximum number of calls in any second. */
  readonly max_in_any_second: number;
}

/** The answer of `GET /stats`: all calls, and those of each client, in order of appearance. */
export interface CallStatsView extends CallCounts {
  readonly clients: readonly (CallCounts & { readonly user_agent: string })[];
}

/** Counts calls as they arrive, whatever their answer. */
export class CallStats {
  readonly #clock: Clock;
  #all = new Counter();
  #clients = new Map<string, Counter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param userAgent the header, which identifies clients */
  count(method: ProductMethod, userAgent: string | undefined): void {
    const now = this.#clock.now();
    this.#all.count(method, now);
    this.#counterOf(userAgent?.slice(0, NAME_MAX_CHARACTERS) ?? "").count(method, now);
  }

  view(): CallStatsView {
    const clients = [...this.#clients].map(([user_agent, counter]) => ({
      user_agent,
      ...counter.view(),
    }));
    return { ...this.#all.view(), clients };
  }

  reset(): void {
    this.#all = new Counter();
    this.#clients.clear();
  }

  #counterOf(name: string): Counter {
    const kept = this.#clients.has(name) || this.#clients.size < CLIENTS_MAX ? name : OTHERS;
    const counter = this.#clients.get(kept) ?? new Counter();
    this.#clients.set(kept, counter);
    return counter;
  }
}

class Counter {
  readonly #calls = { get_product: 0, list_skus: 0 };
  /** Arrival times of the calls in the last second. */
  readonly #arrivals: number[] = [];
  #maxInAnySecond = 0;

  count(method: ProductMethod, now: number): void {
    this.#calls[method]++;
    this.#arrivals.push(now);
    // The fullest second ends with an arrival, so it is found by looking back from each arrival.
    const first = this.#arrivals.findIndex((at) => at > now - SECOND_MS);
    this.#arrivals.splice(0, first);
    this.#maxInAnySecond = Math.max(this.#maxInAnySecond, this.#arrivals.length);
  }

  view(): CallCounts {
    return { calls: { ...this.#calls }, max_in_any_second: this.#maxInAnySecond };
  }
}
