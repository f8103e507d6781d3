import { RequestContext } from "../../shared/async/request-context.ts";
import { createProductClient, type ProductClient } from "../../shared/products/product-client.ts";
import { childTraceparent } from "../../shared/telemetry/traceparent.ts";
import { cartClient } from "../clients/cart.ts";
import { lomsClient } from "../clients/loms.ts";

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
    cart: cartClient(cart),
    loms: lomsClient(loms),
    products: createProductClient({ url: products, token: productToken, cacheTtlMs: 0 }),
    notifierLog,
  };
}

/** For what goes to the product service. */
export function productContext(): RequestContext {
  return new RequestContext({
    traceparent: childTraceparent(undefined),
    timeoutMs: PRODUCTS_TIMEOUT_MS,
  });
}
