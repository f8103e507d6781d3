import { readFileSync } from "node:fs";
import { LomsDefinition, type StocksInfoListRequest } from "../../proto/gen/loms/v1/loms.ts";
import { formatHostPort } from "../../shared/config.ts";
import { AppError } from "../../shared/errors.ts";
import { startGrpcServer } from "../../shared/grpc/server.ts";
import type { IncomingCall } from "../../shared/grpc/unary.ts";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { freePorts } from "../../stack/ports.ts";
import { commandFor } from "../../stack/processes/runtimes.ts";
import { startProducts } from "../../stack/products/service.ts";
import { httpRequest } from "../load/load.ts";
import type { Request } from "../load/report.ts";
import { type Service, startService } from "./service.ts";

const FREE = { host: "127.0.0.1", port: 0 };
const IN_STOCK = 1_000_000n;
/** Products of the stand-in. */
export const SKUS = [1_076_963, 1_148_162, 1_625_903, 2_618_151, 2_956_315];
const USERS = 1_000;

export interface CartOptions {
  readonly name?: string;
  /** The command; by default cart on Node. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Cart extends Service {
  /** host:port */
  readonly http: string;
}

/** What cart calls, in this process: the product stand-in and a loms with unlimited stock. */
export interface CartStandIns {
  readonly productUrl: string;
  start(options?: CartOptions): Promise<Cart>;
}

export async function openCartStandIns(opened: CloseStack): Promise<CartStandIns> {
  const log = createLogger({ service: "stack", level: "error" });
  const products = await startProducts({ PRODUCTS_HTTP: FREE, PRODUCT_TOKEN: "testtoken" }, log);
  opened.push("the products", () => products.close());
  const loms = await startGrpcServer({
    address: FREE,
    definition: LomsDefinition,
    handlers: {
      ...Object.fromEntries(Object.keys(LomsDefinition.methods).map((name) => [name, notUsed])),
      stocksInfo: () => Promise.resolve({ count: IN_STOCK }),
      stocksInfoList(call: IncomingCall) {
        const { skus } = call.read() as StocksInfoListRequest;
        return Promise.resolve({ items: skus.map((sku) => ({ sku, count: IN_STOCK })) });
      },
    },
    descriptorSet: readFileSync(new URL("../../proto/gen/loms.binpb", import.meta.url)),
    errorDetails: [],
  });
  opened.push("loms", () => loms.close());
  return {
    productUrl: products.url,
    async start({ name = "cart", command, environment = {} } = {}) {
      const [http = "", profile = ""] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
      const service = await startService({
        ...{ name, command: command ?? commandFor("node", "cart/main.ts", []) },
        readyUrl: `http://${http}/readyz`,
        environment: {
          ...{ CART_HTTP: http, CART_PROFILE: profile, PRODUCT_URL: products.url },
          ...{ PRODUCT_CACHE_TTL: "24h", LOMS_GRPC_URL: formatHostPort(loms.address) },
          ...environment,
        },
      }, opened);
      return { ...service, http };
    },
  };
}

/** Each of five SKUs into a thousand carts, and as many lists. */
export function cartRequests(action: "add" | "list"): Request[] {
  return Array.from({ length: USERS * SKUS.length }, (_, index) => {
    const cart = `/user/${1 + index % USERS}/cart`;
    const sku = SKUS[Math.floor(index / USERS)];
    return action === "list"
      ? httpRequest("GET", `${cart}/list`)
      : httpRequest("POST", `${cart}/${sku}`, { count: 1 });
  });
}

function notUsed(): Promise<never> {
  return Promise.reject(new AppError("internal", "cart only reads stocks here"));
}
