import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { eventually } from "./eventually.ts";
import { call, send } from "./http.ts";
import { expectNotifications } from "./notifications.ts";
import type { Observed } from "./observability-setup.ts";
import { query } from "./prometheus.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

/** One for each round: cart would have cached a product of an earlier round. */
const SKUS = [1_625_903, 139_275_865];
/** More than any stock row has. */
const TOO_MANY = 65_535;
/** With the stand-in of the product service. */
const SERVICES = 4;
/** Instead of Grafana's range: longer than the tests, so it covers their purchases. */
const RATE_INTERVAL = "1h";

const FOLDER = new URL("../deploy/grafana/dashboards/", import.meta.url);

interface Target {
  readonly dashboard: string;
  readonly panel: string;
  readonly expression: string;
}

/** Every expression of every dashboard, as Grafana would send it. */
const targets: Target[] = readdirSync(FOLDER).flatMap((name) => {
  const { title, panels } = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as {
    title: string;
    panels: { title: string; targets?: { expr: string }[] }[];
  };
  return panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr }) => ({
      dashboard: title,
      panel: panel.title,
      expression: expr.replaceAll("$__rate_interval", RATE_INTERVAL),
    }))
  );
});

/** The metrics in a normalized PromQL expression. */
function metricsOf(expression: string): string[] {
  const bare = expression.replaceAll(/"[^"]*"/g, "").replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\b(by|on) \([^)]*\)/g, "");
  return Array.from(bare.matchAll(/\b[a-z]+_\w+\b(?!\()/g), ([name]) => name);
}

const observed = inject("observed");

describe.skipIf(!observed)("Prometheus, scraping a stack that buys", () => {
  const { shop, prometheus } = observed ?? {} as Observed;

  async function rules(): Promise<{ name: string; query: string; health: string }[]> {
    const { body } = await send(prometheus, "GET /api/v1/rules");
    const { groups } = body.data as { groups: { rules: Awaited<ReturnType<typeof rules>> }[] };
    return groups.flatMap((group) => group.rules);
  }

  /** Every change of an order, and refusals. */
  async function buyAndRefuse(sku: number): Promise<void> {
    const { add, checkout, inCart, pay, create, cancel, tryCreate, status } = shopAt(shop);
    const user = newUser();
    await add(user, sku, 1);
    await inCart(user);
    const order = await checkout(user);
    await pay(order);
    await cancel(await create(user, sku, 1));
    await tryCreate(user, [{ sku, count: TOO_MANY }]);
    await status(order);
    await call(shop.urls.cart, `DELETE /user/${user}/cart`);
    await add(user, sku, 1);
    await expectNotifications(shop, order, ["new", "awaiting payment", "payed"]);
  }

  /** Waits until Prometheus has scraped every service again. */
  async function scraped(): Promise<void> {
    const since = Date.now() / 1000;
    await eventually(async () => {
      expect(await query(prometheus, `timestamp(up) > ${since}`)).toHaveLength(SERVICES);
    });
  }

  beforeAll(async () => {
    // A rate needs a sample of the series and a later, larger one.
    for (const sku of SKUS) {
      await buyAndRefuse(sku);
      await scraped();
    }
  });

  test.each(targets)("$dashboard: $panel has data ($expression)", async ({ expression }) => {
    await eventually(async () => {
      const values = (await query(prometheus, expression)).map(({ value }) => value);
      expect(values.some(Number.isFinite), `${values}`).toBe(true);
    });
  });

  test("every rule is evaluated without an error", async () => {
    await eventually(async () => {
      const evaluated = await rules();
      expect(evaluated.length).toBeGreaterThan(15);
      expect(evaluated.filter(({ health }) => health !== "ok")).toEqual([]);
    });
  });

  test("every metric in a rule is exported", async () => {
    const { body } = await send(prometheus, "GET /api/v1/label/__name__/values");
    const reported = body.data as string[];
    const requested = new Set((await rules()).flatMap(({ query }) => metricsOf(query)));
    expect(requested.size).toBeGreaterThan(10);
    expect([...requested].filter((name) => !reported.includes(name))).toEqual([]);
  });

  test("no alert fires", async () => {
    const { body } = await send(prometheus, "GET /api/v1/alerts");
    const { alerts } = body.data as { alerts: { labels: object; state: string }[] };
    expect(alerts.filter(({ state }) => state === "firing")).toEqual([]);
  });
});
