import type { RequestContext } from "../../shared/async/request-context.ts";
import { ProductClient } from "../../shared/products/product-client.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { VERSION } from "../../shared/telemetry/version.ts";
import { cartClient, lomsClient } from "../clients/clients.ts";
import { reach } from "../clients/reach.ts";

/** A page of products takes a call for each, ten in any second. */
const PRODUCTS_TIMEOUT_MS = 30_000;

export interface ShopAddresses {
  readonly cart: string;
  readonly loms: string;
  readonly products: string;
  readonly productToken: string;
  /** Where the notifier of this system prints; undefined when that is on another machine. */
  readonly notifierLog: string | undefined;
}

/** The system as its users see it. */
export interface Shop {
  readonly cart: ReturnType<typeof cartClient>;
  readonly loms: ReturnType<typeof lomsClient>;
  readonly products: ProductClient;
  readonly notifierLog: string | undefined;
}

/** To be closed through its product client. */
export function openShop(addresses: ShopAddresses): Shop {
  const { cart, loms, products, productToken, notifierLog } = addresses;
  return {
    cart: cartClient(...reach(cart)),
    loms: lomsClient(...reach(loms)),
    products: new ProductClient({
      url: products,
      token: productToken,
      userAgent: `marketplace-shop/${VERSION}`,
      cacheTtlMs: 0,
    }),
    notifierLog,
  };
}

/** For what goes to the product service. */
export function productContext(): RequestContext {
  return backgroundContext(PRODUCTS_TIMEOUT_MS);
}
