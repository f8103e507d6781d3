import { gaugeFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { MemoryCarts } from "./memory.ts";

export const CART_REPOSITORY_CARTS = gaugeFamily({
  name: "cart_repository_carts",
  help: "Carts that hold something",
  labels: [],
});

export const CART_REPOSITORY_LINES = gaugeFamily({
  name: "cart_repository_lines",
  help: "Lines of all carts together",
  labels: [],
});

/** Shows at each scrape how much the repository holds at that moment. */
export function watchCarts(repository: Pick<MemoryCarts, "size">, metrics: Metrics): void {
  const carts = metrics.gauge(CART_REPOSITORY_CARTS);
  const lines = metrics.gauge(CART_REPOSITORY_LINES);
  metrics.beforeScrape(() => {
    const size = repository.size();
    carts.set(size.carts);
    lines.set(size.lines);
  });
}
