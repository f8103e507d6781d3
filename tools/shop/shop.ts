import type { RequestContext } from "../../shared/async/request-context.ts";
import {
  createDirectFetch,
  type Fetch,
  splitCredentials,
} from "../../shared/http-client/direct-fetch.ts";
import { ProductClient } from "../../shared/products/product-client.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { VERSION } from "../../shared/telemetry/version.ts";
import { cartClient, lomsClient } from "../clients/clients.ts";
import type { Connection } from "../clients/exact-integers.ts";

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
  const fetch = createDirectFetch();
  return {
    cart: cartClient(...reach(cart, fetch)),
    loms: lomsClient(...reach(loms, fetch)),
    products: new ProductClient({
      url: products,
      token: productToken,
      userAgent: `marketplace-shop/${VERSION}`,
      cacheTtlMs: 0,
    }),
    notifierLog,
  };
}

/** The base URL of a client and its connection: the credentials of the URL go as a header. */
function reach(text: string, fetch: Fetch): [baseUrl: string, connection: Connection] {
  const { url, authorization } = splitCredentials(text);
  return [url.replace(/\/+$/, ""), { fetch, ...authorization && { headers: { authorization } } }];
}

/** For what goes to the product service. */
export function productContext(): RequestContext {
  return backgroundContext(PRODUCTS_TIMEOUT_MS);
}
