import type { Bench } from "./lab.ts";
import { CART_HTTP } from "./rows/cart-http.ts";
import { CURVES } from "./rows/curves.ts";
import { DURABILITY } from "./rows/durability.ts";
import { EVENTS } from "./rows/events.ts";
import { FLASH_SALE } from "./rows/flash-sale.ts";
import { NEWER_NODE } from "./rows/newer-node.ts";
import { ORDERS } from "./rows/orders.ts";
import { OVERLOAD } from "./rows/overload.ts";
import { PRODUCTS } from "./rows/products.ts";
import { READS } from "./rows/reads.ts";
import { SIMULATION } from "./rows/simulation.ts";
import { SEVERAL } from "./rows/several.ts";
import { START } from "./rows/start.ts";

/** In the order of the table. */
export const BENCHES: readonly Bench[] = [
  ORDERS,
  FLASH_SALE,
  DURABILITY,
  EVENTS,
  CART_HTTP,
  READS,
  PRODUCTS,
  CURVES,
  OVERLOAD,
  START,
  SIMULATION,
  SEVERAL,
  NEWER_NODE,
];
