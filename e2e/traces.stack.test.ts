import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReceivedSpan } from "../stack/otlp/read-spans.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../stack/test/otlp-receiver.ts";
import { type SpanNode, spanTrees } from "../stack/otlp/span-tree.ts";
import type { Runtime } from "../stack/processes/runtimes.ts";
import type { Stack } from "../stack/start.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { expectNotifications, linesOf } from "./notifications.ts";
import { startOwnStack } from "./own-stack.ts";

const SKU = 773_297_411;
/** Attributes of OpenTelemetry's semantic conventions. */
const KNOWN = new Set<unknown>(
  Object.entries(conventions).flatMap(([name, value]) => /^ATTR_/.test(name) ? [value] : []),
);
/** Long enough to be found in any text. */
const USER = "424242424242";
const CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** Lines of the trace: in each service, two. */
const LOGGED = 6;
const UNSAMPLED = `00-${"c".repeat(32)}-b7ad6b7169203331-00`;

interface Logged {
  readonly service: string;
  readonly trace_id?: string;
  readonly span_id?: string;
}

/** Service, name and kind of a span, then the same for its children, by name. */
type Shape = [string, ...Shape[]];

function shapeOf({ span, children }: SpanNode): Shape {
  const below = children.map(shapeOf).toSorted((a, b) => a[0] < b[0] ? -1 : 1);
  return [`${span.service} ${span.name} (${span.kind})`, ...below];
}

const NOTIFIED: Shape = [
  "loms outbox loms.order-events (internal)",
  [
    "loms send loms.order-events (producer)",
    [
      "notifier process loms.order-events (consumer)",
      ["notifier notifier.last_seqs (client)"],
      ["notifier notifier.remember (client)"],
      ["notifier show notification (internal)"],
    ],
  ],
];

const CHECKOUT: Shape = [
  "cart POST /user/{user_id}/cart/checkout (server)",
  [
    "cart loms.v1.Loms/OrderCreate (client)",
    [
      "loms loms.v1.Loms/OrderCreate (server)",
      ["loms order_create (client)"],
      NOTIFIED,
      NOTIFIED,
      ["loms outbox_mark (client)"],
    ],
  ],
];

const runtimes: Runtime[] = ["node", "deno"];

describe.each(runtimes)("with every service on %s", (runtime) => {
  let receiver: OtlpReceiver;
  let stack: Stack;
  let logged: Logged[];

  /** Spans of a caller's trace. */
  const traceOf = (traceparent: string): ReceivedSpan[] =>
    receiver.spans.filter(({ traceId }) => traceId === traceparent.slice(3, 35));
  const named = (name: string) => traceOf(CALLER).filter((span) => span.name === name);

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    stack = await startOwnStack({
      runtimes: { cart: runtime, loms: runtime, notifier: runtime },
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    });
    const { cart, products } = stack.urls;
    const headers = (traceparent: string) => ({ headers: { traceparent } });
    await call(cart, `DELETE /user/${USER}/cart`, headers(UNSAMPLED));
    await call(products, "PUT /faults", { body: { status: 503, next: 1 } });
    const line = `POST /user/${USER}/cart/${SKU}`;
    const added = await call(cart, line, { body: { count: 1 }, ...headers(CALLER) });
    expect(added.status, added.text).toBe(200);
    const bought = await call(cart, `POST /user/${USER}/cart/checkout`, headers(CALLER));
    expect(bought.status, bought.text).toBe(200);
    const order = bought.body["order_id"] as number;
    await expectNotifications(stack, order, ["new", "awaiting payment"]);
    await eventually(() => expect(named("show notification")).toHaveLength(2));
    // A service may log a request after its answer.
    logged = await eventually(() => {
      const found = ["cart", "loms", "notifier"].flatMap((name) => linesOf(stack, name) as Logged[])
        .filter(({ trace_id }) => trace_id === CALLER.slice(3, 35));
      expect(found).toHaveLength(LOGGED);
      return found;
    });
    // The processes send their remaining spans before they end.
    await stack.close();
  });

  afterAll(async () => {
    await stack.close();
    await receiver.close();
  });

  test("a purchase is one trace from the caller to the notifications", () => {
    const trees = spanTrees(traceOf(CALLER));
    expect(trees.every(({ span }) => span.parentId === CALLER.slice(36, 52))).toBe(true);
    expect(trees.map(shapeOf)).toContainEqual(CHECKOUT);
  });

  test("the items of the cart were looked up in the trace of their request", () => {
    const trees = spanTrees(traceOf(CALLER));
    expect(trees.map(shapeOf)).toContainEqual([
      "cart POST /user/{user_id}/cart/{sku_id} (server)",
      ["cart POST /get_product (client)"],
      [
        "cart loms.v1.Loms/StocksInfo (client)",
        ["loms loms.v1.Loms/StocksInfo (server)", ["loms stocks_info (client)"]],
      ],
    ]);
  });

  test("a product call records its retries as events", () => {
    const [span] = named("POST /get_product");
    expect(span?.attributes).toMatchObject({ "http.request.resend_count": 1 });
    expect(
      span?.events.map(({ name, attributes }) => [name, attributes["http.response.status_code"]]),
    )
      .toEqual([["try", 503], ["retry", 200]]);
  });

  test("spans name their runtime, and none has failed", () => {
    for (const span of traceOf(CALLER)) {
      expect(span.runtime).toBe(runtime);
      expect(span.failed, span.name).toBe(false);
      expect(span.endNs, span.name).toBeGreaterThanOrEqual(span.startNs);
    }
  });

  test("a caller that is not sampled is not traced", () => {
    expect(traceOf(UNSAMPLED)).toEqual([]);
  });

  test("log lines have the ids of their spans", () => {
    const records = logged.map(({ service, span_id }) => `${service} ${span_id}`);
    const spanIds = (service: string, name: string) =>
      traceOf(CALLER).filter((span) => span.service === service && span.name === name)
        .map(({ spanId }) => `${service} ${spanId}`);
    const reported = [
      ...spanIds("cart", "POST /user/{user_id}/cart/checkout"),
      ...spanIds("cart", "POST /user/{user_id}/cart/{sku_id}"),
      ...spanIds("loms", "loms.v1.Loms/OrderCreate"),
      ...spanIds("loms", "loms.v1.Loms/StocksInfo"),
      ...spanIds("notifier", "show notification"),
    ];
    expect(records.toSorted()).toEqual(reported.toSorted());
  });

  test("attributes have the names of the conventions, or begin with marketplace.", () => {
    const names = receiver.spans.flatMap(({ attributes, events }) =>
      [attributes, ...events.map((event) => event.attributes)].flatMap(Object.keys)
    );
    expect(names.length).toBeGreaterThan(20);
    const others = names.filter((name) => !name.startsWith("marketplace.") && !KNOWN.has(name));
    expect([...new Set(others)]).toEqual([]);
  });

  test("no span contains the user, the token, SQL or an address of a database", () => {
    const text = JSON.stringify(
      receiver.spans,
      (_, value: unknown) => typeof value === "bigint" ? undefined : value,
    );
    for (const secret of [USER, "testtoken", "postgres://", "select "]) {
      expect(text.includes(secret), secret).toBe(false);
    }
  });
});
