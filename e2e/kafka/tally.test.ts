import { expect, test } from "vitest";
import { Tally } from "./tally.ts";

function line(order: number, seq: number, second = 0): string {
  const timestamp = new Date(second * 1_000).toISOString();
  return `${JSON.stringify({ timestamp, order_id: order, seq })}\n`;
}

const lastSeqs = (entries: Record<string, number>) => new Map(Object.entries(entries));

test("check() finds nothing if every order is shown completely and in order", () => {
  const tally = new Tally();
  const take = tally.notifier();
  const text = line(1, 1) + line(2, 1) + "no JSON\n" + line(1, 2);
  take(text.slice(0, 30));
  take(text.slice(30));
  expect(tally.count).toBe(3);
  expect(tally.check(lastSeqs({ 1: 2, 2: 1 })))
    .toEqual({ events: 3, duplicates: 0, gaps: 0, violations: 0 });
});

test("check() counts missing, repeated and unordered events", () => {
  const tally = new Tally();
  const [one, two] = [tally.notifier(), tally.notifier()];
  one(line(1, 1) + line(1, 1) + line(2, 2) + line(2, 1));
  two(line(3, 1, 9));
  one(line(3, 2, 8));
  expect(tally.check(lastSeqs({ 1: 2, 2: 2, 3: 2, 4: 1 })))
    .toEqual({ events: 7, duplicates: 1, gaps: 2, violations: 2 });
});

test("behind() counts the orders whose last event is missing", () => {
  const tally = new Tally();
  tally.notifier()(line(1, 2) + line(2, 1));
  expect(tally.behind(lastSeqs({ 1: 2, 2: 2, 3: 1 }))).toBe(2);
});
