import { expect, test } from "vitest";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/test-samples.ts";
import type {
  NewOrder,
  OrderChange,
  OrderChangeOutcome,
  OrderCreateOutcome,
  OrderWriter,
} from "../domain/deps.ts";
import { countedWriter } from "./order-metrics.ts";

const context = {} as RequestContext;
const ORDERS = [{} as NewOrder];
const CHANGES = [{} as OrderChange];

function openWriter() {
  const metrics = new Metrics("loms");
  let made: readonly OrderCreateOutcome[] = [];
  let changed: readonly OrderChangeOutcome[] = [];
  const inner: OrderWriter = {
    orderCreate: () => Promise.resolve(made),
    orderPay: () => Promise.resolve(changed),
    orderCancel: () => Promise.resolve(changed),
    expireOrders: () => Promise.resolve(3),
  };
  const writer = countedWriter(inner, metrics);
  /** The transitions that were made, and the lines that fell short. */
  const counted = async () => {
    const samples = readSamples(await metrics.text());
    const transitions = [...samples].filter(([name, value]) =>
      name.startsWith("order_transitions_total") && value > 0
    ).map(([name, value]) => [name.slice("order_transitions_total".length), value]);
    return {
      transitions: Object.fromEntries(transitions) as Record<string, number>,
      short: samples.get("stock_reservations_short_total"),
    };
  };
  return {
    writer,
    metrics,
    counted,
    answer(outcomes: { made?: typeof made; changed?: typeof changed }) {
      made = outcomes.made ?? [];
      changed = outcomes.changed ?? [];
    },
  };
}

const NEW = '{from="none",to="new"}';
const AWAITING = '{from="new",to="awaiting payment"}';
const FAILED = '{from="new",to="failed"}';
const PAYED = '{from="awaiting payment",to="payed"}';
const CANCELLED = '{from="awaiting payment",to="cancelled"}';

test("every transition is told from the start", async () => {
  const { metrics } = openWriter();
  const samples = readSamples(await metrics.text());
  for (const labels of [NEW, AWAITING, FAILED, PAYED, CANCELLED]) {
    expect(samples.get(`order_transitions_total${labels}`), labels).toBe(0);
  }
});

test("orders made and failed are counted with the lines that were short", async () => {
  const { writer, answer, counted } = openWriter();
  answer({
    made: [
      { kind: "created", orderId: 1n },
      { kind: "short", shortage: { orderId: 2n, skus: [], skusTotal: 4 } },
      { kind: "key_reused", orderId: 1n },
    ],
  });
  await writer.orderCreate(ORDERS, context);
  expect(await counted())
    .toEqual({ transitions: { [NEW]: 2, [AWAITING]: 1, [FAILED]: 1 }, short: 4 });
});

test("a repeated answer is not counted again", async () => {
  const { writer, answer, counted } = openWriter();
  answer({ made: [{ kind: "created", orderId: 1n }] });
  await writer.orderCreate(ORDERS, context);
  await writer.orderCreate(ORDERS, context);
  expect(await counted()).toEqual({ transitions: { [NEW]: 1, [AWAITING]: 1 }, short: 0 });
});

test("pays, cancels and expired orders are counted when they changed something", async () => {
  const { writer, answer, counted } = openWriter();
  answer({ changed: [{ kind: "changed" }, { kind: "unchanged" }, { kind: "not_found" }] });
  await writer.orderPay(CHANGES, context);
  await writer.orderCancel(CHANGES, context);
  await writer.expireOrders(10, context);
  expect((await counted()).transitions).toEqual({ [PAYED]: 1, [CANCELLED]: 4 });
});
