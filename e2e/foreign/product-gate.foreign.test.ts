import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createLogger } from "../../shared/telemetry/log.ts";
import { freePorts } from "../../stack/ports.ts";
import { type Child, spawnChild, SYSTEM_PATH } from "../../stack/processes/child.ts";
import { type RunningProducts, startProducts } from "../../stack/products/service.ts";
import { startAlone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { call } from "../http.ts";

const programs = inject("foreign");
/** Not a product: the product service reports this, and cart does not call loms. */
const UNKNOWN_SKU = 4_000_000_000;
const PRODUCT_TOKEN = "testtoken";

describe.skipIf(!programs)(
  "a product service behind HAProxy, which requires user and password",
  () => {
    let products: RunningProducts;
    let haproxy: Child;
    let directory: string;
    let gate: string;

    beforeAll(async () => {
      const log = createLogger({ service: "products", level: "error", write: () => {} });
      const address = { host: "127.0.0.1", port: 0 };
      products = await startProducts({ PRODUCT_TOKEN, PRODUCTS_HTTP: address }, log);
      directory = mkdtempSync(join(tmpdir(), "gate-"));
      const [port] = await freePorts(1);
      gate = `127.0.0.1:${port}`;
      const configuration = join(directory, "haproxy.cfg");
      writeFileSync(configuration, configurationOf(gate, new URL(products.url).host));
      haproxy = await spawnChild({
        command: programs?.haproxy ?? "",
        args: ["-db", "-f", configuration],
        environment: { PATH: SYSTEM_PATH },
        deathSignal: "SIGKILL",
      });
      await eventually(async () => expect((await fetch(`http://${gate}/stats`)).status).toBe(401));
    });
    afterAll(async () => {
      haproxy?.process.kill("SIGKILL");
      await haproxy?.ended;
      await products?.close();
      rmSync(directory, { recursive: true });
    });

    /** The status of cart's add of the SKU, with these credentials for the gate, and cart's log. */
    async function callCart(runtime: "node" | "deno", credentials: string) {
      const [port, profilePort] = await freePorts(2);
      const url = `http://127.0.0.1:${port}`;
      const cart = await startAlone(
        "cart",
        {
          CART_HTTP: `127.0.0.1:${port}`,
          CART_PROFILE: `127.0.0.1:${profilePort}`,
          PRODUCT_URL: `http://${credentials}@${gate}/`,
          // HAProxy is not a forward proxy, and would answer 400.
          HTTP_PROXY: `http://${gate}`,
          NODE_USE_ENV_PROXY: "1",
        },
        url,
        runtime,
      );
      try {
        const { status } = await call(url, `POST /user/1/cart/${UNKNOWN_SKU}`, {
          body: { count: 1 },
        });
        return { status, output: cart.output() };
      } finally {
        cart.signal("SIGTERM");
        await cart.ended;
      }
    }

    test.each(["node", "deno"] as const)("accepts a cart on %s", async (runtime) => {
      const { status, output } = await callCart(runtime, "shop:p%40ss");
      expect(status).toBe(412);
      expect(output).not.toMatch(/p@ss|p%40ss/);
    });

    test.each(["node", "deno"] as const)(
      "refuses a cart on %s that sends other credentials",
      async (runtime) => {
        const { status, output } = await callCart(runtime, "shop:wrong-one");
        expect(status).toBe(503);
        expect(output).not.toContain("wrong-one");
      },
    );
  },
);

function configurationOf(listening: string, server: string): string {
  return `
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
userlist users
  user shop insecure-password p@ss
frontend gate
  bind ${listening}
  http-request auth unless { http_auth(users) }
  default_backend products
backend products
  server products ${server}
`;
}
