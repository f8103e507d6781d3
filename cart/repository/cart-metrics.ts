import { counterFamily, gaugeFamily, type Metrics } from "../../shared/telemetry/metrics.ts";

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

export const CART_REPOSITORY_EXPIRED_TOTAL = counterFamily({
  name: "cart_repository_expired_total",
  help: "Carts that ended because they were not changed for CART_TTL",
  labels: [],
});

export interface CartSizes {
  readonly carts: number;
  readonly lines: number;
}

/** Sets the gauges at each scrape; they stay as they are while the sizes are not known. */
export function watchCarts(size: () => CartSizes | undefined, metrics: Metrics): void {
  const carts = metrics.gauge(CART_REPOSITORY_CARTS);
  const lines = metrics.gauge(CART_REPOSITORY_LINES);
  metrics.beforeScrape(() => {
    const sizes = size();
    if (!sizes) return;
    carts.set(sizes.carts);
    lines.set(sizes.lines);
  });
}
