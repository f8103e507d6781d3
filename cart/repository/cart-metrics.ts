import { counterFamily, gaugeFamily, type Metrics } from "../../shared/telemetry/metrics.ts";

export const CART_REPOSITORY_CARTS = gaugeFamily({
  name: "cart_repository_carts",
  help: "Carts that are not empty",
});

export const CART_REPOSITORY_LINES = gaugeFamily({
  name: "cart_repository_lines",
  help: "Lines in all carts",
});

export const CART_REPOSITORY_EXPIRED_TOTAL = counterFamily({
  name: "cart_repository_expired_total",
  help: "Carts that expired after CART_TTL without a change",
});

export interface CartSizes {
  readonly carts: number;
  readonly lines: number;
}

/** Sets the gauges at each scrape; they do not change while the sizes are unknown. */
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
