import type { Bench } from "./lab.ts";
import { CART_HTTP } from "./rows/cart-http.ts";
import { ORDERS } from "./rows/orders.ts";
import { FLASH_SALE } from "./rows/flash-sale.ts";
import { DURABILITY } from "./rows/durability.ts";
import { PRODUCTS } from "./rows/products.ts";
import { READS } from "./rows/reads.ts";
import { SIMULATION } from "./rows/simulation.ts";
import { START } from "./rows/start.ts";

/** In the order of the table. */
export const BENCHES: readonly Bench[] = [
  ORDERS,
  FLASH_SALE,
  DURABILITY,
  CART_HTTP,
  READS,
  PRODUCTS,
  START,
  SIMULATION,
];
