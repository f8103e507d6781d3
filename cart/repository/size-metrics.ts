import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { MemoryCarts } from "./memory.ts";

/** Shows at each scrape how much the repository holds at that moment. */
export function watchCarts(repository: Pick<MemoryCarts, "size">, metrics: Metrics): void {
  const carts = metrics.gauge("cart_repository_carts");
  const lines = metrics.gauge("cart_repository_lines");
  metrics.beforeScrape(() => {
    const size = repository.size();
    carts.set(size.carts);
    lines.set(size.lines);
  });
}
