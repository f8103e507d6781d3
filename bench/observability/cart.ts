import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { LomsDefinition, type StocksInfoListRequest } from "../../proto/gen/loms/v1/loms.ts";
import { formatHostPort } from "../../shared/config.ts";
import { AppError } from "../../shared/errors.ts";
import { type IncomingCall, startGrpcServer } from "../../shared/grpc/server.ts";
import { CloseStack } from "../../shared/lifecycle.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { freePorts } from "../../stack/ports.ts";
import { startProducts } from "../../stack/products/service.ts";
import type { Bench } from "./bench.ts";

const FREE = { host: "127.0.0.1", port: 0 };
const SKUS = [1_076_963, 1_148_162, 1_625_903, 2_618_151, 2_956_315];
const USERS = 1_000;
const IN_STOCK = 1_000_000n;
/** Keeps lines and counts below their limits for hours. */
const COUNT = 1;

/** cart with a loms that has everything in stock and the product stand-in: add, then list. */
export async function benchCart(opened: CloseStack): Promise<Bench> {
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
  const agent = new Agent({ keepAlive: true });
  opened.push("the connections", () => Promise.resolve(agent.destroy()));

  let number = 0;
  return {
    part: "cart",
    async settings() {
      const [port, profilePort] = await freePorts(2);
      return {
        environment: {
          CART_HTTP: `127.0.0.1:${port}`,
          CART_PROFILE: `127.0.0.1:${profilePort}`,
          PRODUCT_URL: products.url,
          PRODUCT_CACHE_TTL: "24h",
          LOMS_GRPC_URL: formatHostPort(loms.address),
        },
        url: `http://127.0.0.1:${port}`,
      };
    },
    open({ url }) {
      const doOne = async () => {
        const index = number++;
        const cart = `${url}/user/${1 + index % USERS}/cart`;
        await send(agent, "POST", `${cart}/${SKUS[index % SKUS.length]}`, `{"count":${COUNT}}`);
        await send(agent, "GET", `${cart}/list`);
      };
      return { doOne, settled: () => Promise.resolve(), close() {} };
    },
  };
}

function notUsed(): Promise<never> {
  return Promise.reject(new AppError("internal", "cart only reads stocks here"));
}

/** One request, which must succeed. */
export function send(agent: Agent, method: string, url: string, body?: string): Promise<void> {
  const headers = body === undefined
    ? {}
    : { "content-type": "application/json", "content-length": body.length };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers }, (response) => {
      response.resume().once("error", reject).once("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${method} ${url} returned ${response.statusCode}`));
      });
    });
    sent.once("error", reject).end(body);
  });
}
