import type { ProductClient } from "../../shared/products/product-client.ts";
import type { cartClient, lomsClient } from "../clients/clients.ts";

/** The system as its users see it; its product client is to be closed. */
export interface Shop {
  readonly cart: ReturnType<typeof cartClient>;
  readonly loms: ReturnType<typeof lomsClient>;
  readonly products: ProductClient;
  /** Where the notifier of this system prints; undefined when that is on another machine. */
  readonly notifierLog: string | undefined;
}
