import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { deliver } from "./clerk.ts";
import { type Delivery, delivery } from "./delivery.ts";
import { Ledger } from "./ledger.ts";
import { Random } from "./random.ts";
import type { StockAnswer } from "./stock-transport.ts";

const WANTED: Delivery = {
  ...{ reference: "note 1", kind: "receive", lines: [{ sku: 1_002, count: 1 }] },
  ...{ twiceAtOnce: false, again: false },
};

/** The content of a ledger after a change with these answers in sequence. */
async function after(wanted: Partial<Delivery>, ...answers: StockAnswer[]): Promise<Ledger> {
  const ledger = new Ledger();
  const clock = new VirtualClock();
  const stock = { change: () => Promise.resolve(answers.shift() as StockAnswer) };
  const delivered = deliver({ stock, ledger, clock }, { ...WANTED, ...wanted });
  await clock.advance(1_000);
  await delivered;
  expect(answers).toEqual([]);
  return ledger;
}

const changed = (totals: string): StockAnswer => ({ kind: "changed", totals });
const troubles = ({ lost, doubled, strange }: Ledger) => [...lost, ...doubled, ...strange];

test("an unknown outcome is settled under the same reference", async () => {
  const ledger = await after({}, { kind: "unknown", why: "503" }, changed("1002: 1"));
  expect(ledger.stockChanges).toEqual([{ reference: "note 1", totals: "1002: 1" }]);
  expect([ledger.acknowledged, troubles(ledger)]).toEqual([1, []]);
});

test("a change gets one answer, however often it is sent", async () => {
  const wanted = { twiceAtOnce: true, again: true };
  const same = changed("1002: 1");
  expect(troubles(await after(wanted, same, same, same))).toEqual([]);
  expect(troubles(await after(wanted, same, same, changed("1002: 2")))).toEqual([
    "the change note 1 was answered 1002: 1 and 1002: 2",
  ]);
});

test("a refusal is not a problem, and another answer is", async () => {
  expect(troubles(await after({}, { kind: "below_reserved" }))).toEqual([]);
  expect(troubles(await after({}, { kind: "strange", why: "409" }))).toEqual([
    "the change note 1 was answered 409",
  ]);
});

test("delivery() has each SKU once, and is the same for the same seed", () => {
  const make = () => {
    const random = new Random(7);
    return Array.from({ length: 200 }, (_, index) => delivery(random, `note ${index}`));
  };
  const made = make();
  expect(made).toEqual(make());
  for (const { lines } of made) {
    expect(new Set(lines.map(({ sku }) => sku)).size).toBe(lines.length);
    expect(lines.every(({ count }) => count !== 0)).toBe(true);
  }
  expect(new Set(made.map(({ kind }) => kind))).toEqual(new Set(["receive", "count"]));
});
