import { expect, inject, test } from "vitest";
import type { ServicePart } from "../stack/plan.ts";
import type { Runtime } from "../stack/processes/runtimes.ts";
import { spawnAlone, startAlone, startOwnCart } from "./alone.ts";
import { settingsBeside } from "./beside.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { databases, urls } = shop;
const SKU = 2_956_315;

/** A second signal within this time counts as a repeat of the first. */
const REPEATED_SIGNAL_MS = 1_200;

const settingsOf = (part: ServicePart) => settingsBeside(part, shop);

const services = (["loms", "notifier", "cart", "products"] as const).flatMap((part) =>
  (["node", "deno"] as const).map((runtime): [ServicePart, Runtime] => [part, runtime])
);

test.each(services)("%s on %s starts with only its environment and exits with 0 on SIGTERM", async (
  part,
  runtime,
) => {
  const { settings, url } = await settingsOf(part);
  const alone = await startAlone(part, settings, url, runtime);
  expect((await call(url, "GET /healthz")).status).toBe(200);
  alone.signal("SIGTERM");
  expect(await alone.ended, alone.output()).toBe("exit code 0");
  for (const line of alone.output().trim().split("\n")) {
    expect(JSON.parse(line)).toMatchObject({ service: part });
  }
  expect(alone.output(), "no password is printed").not.toContain(passwordOf(databases.loms));
});

function passwordOf(url: string): string {
  return new URL(url).password;
}

test("SIGINT ends a service like SIGTERM, and a repeat at once is the same signal", async () => {
  const { settings, url } = await settingsOf("notifier");
  const alone = await startAlone("notifier", settings, url);
  alone.signal("SIGINT");
  alone.signal("SIGINT");
  expect(await alone.ended, alone.output()).toBe("exit code 0");
});

test.each(
  [
    ["cart", { CART_HTTP: "x", PRODUCT_CACHE_TTL: "soon", LOG_LEVEL: "loud" }],
    ["loms", { LOMS_GRPC: "x", ORDER_PAYMENT_TIMEOUT: "-1s", DATABASE_URL: "mysql://secret@h/d" }],
    ["notifier", { NOTIFIER_HTTP: "x", BUS_DATABASE_URL: "secret", LOG_FORMAT: "xml" }],
  ] as const,
)("%s reports every wrong setting in one message and does not start", async (
  part,
  wrong,
) => {
  const { settings } = await settingsOf(part);
  const alone = await spawnAlone(part, { ...settings, ...wrong });
  expect(await alone.ended).toBe("exit code 1");
  for (const name of Object.keys(wrong)) expect(alone.output()).toContain(name);
  expect(alone.output()).not.toContain("secret");
  expect(alone.output().match(/Wrong settings/g)).toHaveLength(1);
});

/** False also while connections are refused. */
async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`).catch(() => undefined);
  return answer?.ok ?? false;
}

test("a second signal ends a service at once, whatever is in progress", async () => {
  const own = await startOwnCart(shop, { PRODUCT_CACHE_TTL: "0" });
  await call(urls.products, "PUT /faults", { body: { hang: true } });
  try {
    await call(urls.products, "DELETE /stats");
    const { tryAdd } = shopAt({ urls: { ...urls, cart: own.url } });
    const broken = expect(tryAdd(newUser(), SKU, 1)).rejects.toThrow();
    await eventually(async () => {
      const { body } = await call(urls.products, "GET /stats");
      expect(body).toMatchObject({ calls: { get_product: 1 } });
    });
    own.process.signal("SIGTERM");
    await eventually(async () => expect(await isReady(own.url)).toBe(false));
    const repeatedAt = performance.now() + REPEATED_SIGNAL_MS;
    await eventually(() => expect(performance.now()).toBeGreaterThan(repeatedAt));
    own.process.signal("SIGTERM");
    expect(await own.process.ended).toBe("exit code 1");
    await broken;
  } finally {
    await call(urls.products, "DELETE /faults");
  }
});
