import type { ProductClient } from "../../shared/products/product-client.ts";
import type { cartClient, lomsClient } from "../clients/clients.ts";

/** The system as its users see it; the caller closes its product client. */
export interface Shop {
  readonly cart: ReturnType<typeof cartClient>;
  readonly loms: ReturnType<typeof lomsClient>;
  readonly products: ProductClient;
  /** The log of this system's notifier; undefined if it is on another machine. */
  readonly notifierLog: string | undefined;
}
