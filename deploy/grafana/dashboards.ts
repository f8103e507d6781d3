import type { Dashboard } from "./dashboard.ts";
import { cart } from "./source/cart.ts";
import { events } from "./source/events.ts";
import { loms } from "./source/loms.ts";
import { notifier } from "./source/notifier.ts";
import { purchase } from "./source/purchase.ts";
import { replication } from "./source/replication.ts";
import { runtimes } from "./source/runtimes.ts";

/** The sources of deploy/grafana/dashboards, a file each. */
export const DASHBOARDS: readonly Dashboard[] = [
  purchase,
  cart,
  loms,
  notifier,
  events,
  replication,
  runtimes,
];
