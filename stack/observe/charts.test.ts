import { expect, test } from "vitest";
import { Charts, type Samples } from "./charts.ts";

const CALLS = "rpc_server_call_duration_seconds";
const ORDER_CREATE =
  `rpc_system_name="grpc",rpc_method="loms.v1.Loms/OrderCreate",rpc_status_code="OK"`;
const created = (count: number, seconds = 0): Samples =>
  new Map([
    [`order_transitions_total{from="new",to="awaiting payment"}`, count],
    [`order_transitions_total{from="new",to="failed"}`, 1000],
    [
      `${CALLS}_count{${ORDER_CREATE}}`,
      count,
    ],
    [
      `${CALLS}_sum{${ORDER_CREATE}}`,
      seconds,
    ],
  ]);

function valuesOf(charts: Charts, title: string, label: string): (number | null)[] | undefined {
  const chart = charts.drawn().find((each) => each.title === title);
  return chart?.lines.find((line) => line.label === label)?.points.map(([, value]) => value);
}

test("a counter is drawn as its growth per second", () => {
  const charts = new Charts();
  charts.add("loms", 1_000, created(10));
  charts.add("loms", 3_000, created(16));
  expect(valuesOf(charts, "Orders and notifications", "orders created")).toEqual([null, 3]);
});

test("the growth of a restarted counter is its value", () => {
  const charts = new Charts();
  charts.add("loms", 0, created(10));
  charts.add("loms", 1_000, created(4));
  expect(valuesOf(charts, "Orders and notifications", "orders created")).toEqual([null, 4]);
});

test("an average covers the last interval, and is unknown without calls", () => {
  const charts = new Charts();
  charts.add("loms", 0, created(10, 1));
  charts.add("loms", 2_000, created(14, 1.5));
  charts.add("loms", 4_000, created(14, 1.5));
  expect(valuesOf(charts, "Average time", "loms calls")).toEqual([null, 0.125, null]);
});

test("scrapes and probes do not count as requests", () => {
  const charts = new Charts();
  const series = (route: string) =>
    `http_server_request_duration_seconds_count{http_request_method="GET",http_route="${route}"}`;
  const samples = (metrics: number, list: number) =>
    new Map([[series("/metrics"), metrics], [series("/user/{user_id}/cart/list"), list]]);
  charts.add("cart", 0, samples(0, 0));
  charts.add("cart", 1_000, samples(50, 2));
  expect(valuesOf(charts, "Requests", "cart HTTP")).toEqual([null, 2]);
});

test("a failed scrape leaves a gap, and the next rate has no start", () => {
  const charts = new Charts();
  charts.add("loms", 0, created(1));
  charts.add("loms", 1_000, undefined);
  charts.add("loms", 2_000, created(5));
  expect(valuesOf(charts, "Orders and notifications", "orders created")).toEqual([
    null,
    null,
    null,
  ]);
});

test("points older than five minutes are dropped", () => {
  const charts = new Charts();
  for (let n = 0; n < 400; n++) charts.add("loms", n, new Map([["outbox_backlog_events", n]]));
  const values = valuesOf(charts, "Events that wait", "in the outbox");
  expect(values).toHaveLength(150);
  expect(values?.at(-1)).toBe(399);
});

test("the replication state is the last scraped one, and unknown if loms does not answer", () => {
  const charts = new Charts();
  const states = new Map([
    [`db_replication_state{state="synchronous"}`, 0],
    [`db_replication_state{state="refusing"}`, 1],
  ]);
  charts.add("loms", 0, states);
  expect(charts.replicationState()).toBe("refusing");
  charts.add("loms", 1_000, undefined);
  expect(charts.replicationState()).toBeUndefined();
});

test("errors of callers do not count as failures", () => {
  const charts = new Charts();
  const samples = (wrong: number, failed: number) =>
    new Map([
      [`${CALLS}_count{rpc_system_name="http",rpc_status_code="NOT_FOUND"}`, wrong],
      [`${CALLS}_count{rpc_system_name="http",error_type="UNAVAILABLE"}`, failed],
    ]);
  charts.add("loms", 0, samples(0, 0));
  charts.add("loms", 1_000, samples(7, 2));
  expect(valuesOf(charts, "Failures", "loms calls")).toEqual([null, 2]);
});
