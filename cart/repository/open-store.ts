import { Loop } from "../../shared/async/loop.ts";
import { type RequestContext, systemClock } from "../../shared/async/request-context.ts";
import type { ServiceParts } from "../../shared/open-service.ts";
import { readPemFiles } from "../../shared/pem-files.ts";
import { PRODUCT_LIMIT } from "../../shared/products/product-client.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { SharedRateLimit } from "../../shared/valkey/shared-rate-limit.ts";
import { readStoreUrl, type StoreConfig } from "../../shared/valkey/store-url.ts";
import { describeStore, Valkey } from "../../shared/valkey/valkey.ts";
import { type CartSizes, watchCarts } from "./cart-metrics.ts";
import { ValkeyCarts, type ValkeyCartsOptions } from "./valkey.ts";

/** Maximum age of the gauges of carts and lines. */
const SIZES_INTERVAL_MS = 10_000;
const SIZES_TIMEOUT_MS = 5_000;

/**
 * Opens the configured store, which need not answer yet.
 * @throws {ConfigError} naming every file of the settings that cannot be read
 */
export function openStore(
  { config, log, logThrottled, metrics, tracing, opened }: ServiceParts<StoreConfig>,
  options: Omit<ValkeyCartsOptions, "store" | "attempts">,
) {
  const address = readStoreUrl(config.CART_STORE_URL as string);
  const tls = readPemFiles(config, {
    ca: "CART_STORE_TLS_CA",
    cert: "CART_STORE_TLS_CERT",
    key: "CART_STORE_TLS_KEY",
  });
  function connect(name: string): Valkey {
    const onError = ({ message }: Error) =>
      logThrottled("warn", "the cart store is unreachable", new Error(message));
    const store = new Valkey({ address, tls, name, metrics, tracing, onError });
    opened.push(`the connection for ${name}`, () => store.close());
    return store;
  }
  const store = connect("carts");
  const carts = new ValkeyCarts({ ...options, store, attempts: connect("attempts") });
  log.info("carts are kept in a store", { store: describeStore(address) });

  let sizes: CartSizes | undefined;
  watchCarts(() => sizes, metrics);
  const loop = new Loop({
    clock: systemClock,
    async step() {
      sizes = await carts.size(backgroundContext(SIZES_TIMEOUT_MS));
      return SIZES_INTERVAL_MS;
    },
    onError: (error) => logThrottled("warn", "the carts could not be counted", error),
    backoffMs: SIZES_INTERVAL_MS,
  });
  loop.start();
  opened.push("the count of carts", () => loop.close());
  return {
    carts,
    limit: new SharedRateLimit("products", { ...PRODUCT_LIMIT, store }),
    checks: { store: (context: RequestContext) => carts.check(context) },
  };
}
