import { readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { readSamples } from "../shared/telemetry/samples.ts";
import { readFamilies } from "../shared/telemetry/test/samples.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { expectNotifications } from "./notifications.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { cart, loms = "", notifier, products } = shop.urls;
const { add, inCart, checkout, tryCreate } = shopAt(shop);

const ORDER_CREATE = 'rpc_method="loms.v1.Loms/OrderCreate"';
const INSERT = ['db_operation_name="insert"', 'db_client_connection_pool_name="primary"'];
const SKU = 1_625_903;
/** No other test of the shared system adds it to a cart, so no product cache has it. */
const UNCACHED_SKU = 135_717_466;
const OTHER_SKU = 139_275_865;
const DOCUMENT = readFileSync(new URL("../docs/metrics.md", import.meta.url), "utf8");

const metricsOf = async (url: string) => (await call(url, "GET /metrics")).text;

/** The sum of a metric's samples whose labels contain all of `parts`. */
async function reported(url: string, name: string, ...parts: string[]): Promise<number> {
  let sum = 0;
  for (const [series, value] of readSamples(await metricsOf(url))) {
    if (series.split("{")[0] === name && parts.every((part) => series.includes(part))) sum += value;
  }
  return sum;
}

/** The families of a service in docs/metrics.md: its own, then those of its process. */
function promised(service: string, runtime: string): string[] {
  return DOCUMENT.split("\n").flatMap((line) => {
    const cells = line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", ""));
    const [name = "", type = "", third = "", services = ""] = cells;
    if (!["counter", "gauge", "histogram"].includes(type)) return [];
    const isIncluded = cells.length === 4
      ? third.split(", ").includes(runtime)
      : services === "all" || services.split(", ").includes(service);
    return isIncluded ? [name] : [];
  });
}

test.each([
  ["cart", cart],
  ["loms", loms],
  ["notifier", notifier],
  ["products", products],
])("%s exports the metrics of docs/metrics.md", async (service, url = "") => {
  const text = await metricsOf(url);
  const [, reported, runtime = ""] =
    /build_info\{service_name="(\w+)",.*process_runtime_name="(\w+)"/.exec(text) ?? [];
  expect(reported).toBe(service);
  expect([...readFamilies(text).keys()].sort()).toEqual(promised(service, runtime).sort());
});

test.each([["cart", cart], ["loms", loms]])(
  "%s exports its memory and CPU time on every runtime",
  async (_, url) => {
    const samples = readSamples(await metricsOf(url));
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(samples.get("nodejs_heap_size_used_bytes")).toBeGreaterThan(1_000_000);
    expect(samples.get("process_cpu_seconds_total")).toBeGreaterThan(0);
  },
);

test("a purchase appears in the metrics of every service involved", async () => {
  const measured: [url: string, name: string, ...labels: string[]][] = [
    [
      cart,
      "http_server_request_duration_seconds_count",
      'http_route="/user/{user_id}/cart/checkout"',
    ],
    [cart, "rpc_client_call_duration_seconds_count", ORDER_CREATE, 'rpc_status_code="OK"'],
    [cart, "http_client_request_duration_seconds_count", '="get_product"', 'status_code="200"'],
    [cart, "product_cache_lookups_total"],
    [loms, "order_transitions_total", 'from="new"', 'to="awaiting payment"'],
    [loms, "outbox_relay_batch_events_count"],
    [loms, "rpc_server_call_duration_seconds_count", ORDER_CREATE, 'rpc_system_name="grpc"'],
    [loms, "db_client_operation_duration_seconds_count", ...INSERT],
    [loms, "bus_published_messages_total", 'messaging_destination_name="loms'],
    [notifier ?? "", "bus_consume_duration_seconds_count", 'messaging_system="'],
    [notifier ?? "", "notifier_notifications_total", 'result="shown"'],
    [notifier ?? "", "notifier_delay_seconds_count"],
    [notifier ?? "", "batcher_wait_seconds_count", 'batcher="notifier.remember"'],
  ];
  const read = () => Promise.all(measured.map((metric) => reported(...metric)));
  const before = await read();
  const user = newUser();
  await add(user, SKU, 1);
  await call(cart, `POST /user/${user}/cart/${UNCACHED_SKU}`, { body: { count: 65_535 } });
  await inCart(user);
  const order = await checkout(user);
  await expectNotifications(shop, order, ["new", "awaiting payment"]);
  await eventually(async () => {
    const now = await read();
    measured.forEach((metric, at) => {
      expect(now[at], metric.join(" ")).toBeGreaterThan(before[at] ?? 0);
    });
  });
});

test("an order that is short counts as failed, with its short lines", async () => {
  const read = () =>
    Promise.all([
      reported(loms, "order_transitions_total", 'to="failed"'),
      reported(loms, "stock_reservations_short_total"),
    ]);
  const [failed, short] = await read();
  const items = [{ sku: 1_076_963, count: 65_535 }, { sku: 2_956_315, count: 65_535 }];
  expect((await tryCreate(newUser(), items)).status).toBe(412);
  expect(await read()).toEqual([Number(failed) + 1, Number(short) + 2]);
});

test("the lag of the bus is 0 when all events are shown", async () => {
  await eventually(async () => expect(await reported(notifier ?? "", "bus_lag_messages")).toBe(0));
});

const size = async () => [
  await reported(cart, "cart_repository_carts"),
  await reported(cart, "cart_repository_lines"),
];

test("carts and lines are exact", async () => {
  const [carts = 0, lines = 0] = await size();
  const user = newUser();
  await add(user, SKU, 1);
  await add(user, SKU, 1);
  expect(await size()).toEqual([carts + 1, lines + 1]);
  await call(cart, `DELETE /user/${user}/cart`);
  expect(await size()).toEqual([carts, lines]);
});

test("counts of carts and lines are exact under concurrent changes", async () => {
  const [carts = 0, lines = 0] = await size();
  const skus = [SKU, OTHER_SKU];
  const users = Array.from({ length: 40 }, newUser);
  await Promise.all(users.map(async (user, index) => {
    const own = `/user/${user}/cart`;
    await Promise.all([...skus, ...skus].map((sku) => add(user, sku, 1)));
    // A quarter keeps both lines; the others lose one or all, or lose all and get one again.
    if (index % 4 === 0) return;
    const changes = [`DELETE ${own}/${SKU}`, `DELETE ${own}`, `DELETE ${own}`];
    const change = changes[index % 4 - 1] ?? "";
    await Promise.all([call(cart, change), call(cart, change), call(cart, change)]);
    if (index % 4 === 3) await add(user, SKU, 1);
  }));
  expect(await size()).toEqual([carts + 30, lines + 40]);
  await Promise.all(users.map((user) => call(cart, `DELETE /user/${user}/cart`)));
  expect(await size()).toEqual([carts, lines]);
});
