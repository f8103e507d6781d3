import type { CloseStack } from "../../shared/lifecycle.ts";
import { commandFor } from "../../stack/processes/runtimes.ts";
import { freePorts } from "../../stack/ports.ts";
import { grpcRequest } from "../load/load.ts";
import type { Request } from "../load/report.ts";
import type { LomsDatabase, Postgres } from "./postgres.ts";
import { type Service, startService } from "./service.ts";

export const SKUS = 10_000;
const LINES = 3;

export interface LomsOptions {
  readonly postgres: Postgres;
  readonly database: LomsDatabase;
  readonly name?: string;
  /** The command; by default loms on Node. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The folder of its sources; by default the project. */
  readonly directory?: string;
}

export interface Loms extends Service {
  readonly grpc: string;
  /** host:port of the gateway, of /metrics and /readyz. */
  readonly http: string;
}

/** A loms process with its own database, and the bus in another unless Kafka is given. */
export async function startLoms(options: LomsOptions, opened: CloseStack): Promise<Loms> {
  const { postgres, database, name = "loms", environment = {} } = options;
  const { command = commandFor("node", "loms/main.ts", []) } = options;
  const ports = await freePorts(4);
  const [http = "", grpc = "", admin = "", profile = ""] = ports.map((port) => `127.0.0.1:${port}`);
  const service = await startService({
    ...{ name, command, readyUrl: `http://${http}/readyz` },
    ...(options.directory ? { directory: options.directory } : {}),
    environment: {
      LOMS_HTTP: http,
      LOMS_GRPC: grpc,
      LOMS_ADMIN: admin,
      LOMS_PROFILE: profile,
      DATABASE_URL: database.url,
      DATABASE_REPLICA_URLS: database.replicaUrl,
      BUS_DATABASE_URL: postgres.pair.primaryUrl("bus"),
      ORDER_PAYMENT_TIMEOUT: "24h",
      ...environment,
    },
  }, opened);
  return { ...service, grpc, http };
}

/** Orders of three lines with prices, among all SKUs, in random order. */
export function orderRequests(count: number, skus = SKUS): Request[] {
  return Array.from({ length: count }, () => {
    const chosen = new Set<number>();
    while (chosen.size < LINES) chosen.add(1 + Math.floor(Math.random() * skus));
    const items = [...chosen].map((sku) => ({ sku, count: 1, price: 100 }));
    return grpcRequest("orderCreate", { user: 7n, items });
  });
}

/** Orders of one unit of one SKU. */
export function hotRequest(sku: number): Request {
  return grpcRequest("orderCreate", { user: 7n, items: [{ sku, count: 1, price: 100 }] });
}

/** The orders created since the start of a loms. */
export interface Batches {
  readonly orders: number;
  readonly batches: number;
}

export async function batchesOf({ http }: Loms): Promise<Batches> {
  const of = (suffix: string) =>
    metricOf(http, `batcher_batch_items_${suffix}`, 'batcher="order_create"');
  const [orders, batches] = await Promise.all([of("sum"), of("count")]);
  return { orders, batches };
}

/** Sums the samples of a metric of a service whose labels contain `labels`. */
export async function metricOf(http: string, name: string, labels = ""): Promise<number> {
  const text = await (await fetch(`http://${http}/metrics`)).text();
  let sum = 0;
  for (const line of text.split("\n")) {
    const isIt = line.startsWith(`${name} `) || line.startsWith(`${name}{`);
    if (isIt && line.includes(labels)) sum += Number(line.slice(line.lastIndexOf(" ")));
  }
  return sum;
}
