import { expect, test } from "vitest";
import { ORDER_OUTBOX, type OrderEventRow } from "./order-outbox.ts";
import { EventQueue } from "./queue.ts";
import { STOCK_OUTBOX } from "./stock-outbox.ts";

const WAITING_MAX = 10_000;
const WAITING_BEHIND_MAX = 1_000;

let nextId = 1n;

function event(order: number, seq: number, refused_before: string | null = null): OrderEventRow {
  return {
    ...{ id: nextId++, order_id: BigInt(order), user_id: 7n, seq, status: "new" },
    ...{ at: "", traceparent: "t", refused_before, reason: null },
  };
}

const openQueue = () => new EventQueue(ORDER_OUTBOX);
const placesOf = (queue: EventQueue) =>
  queue.take(WAITING_MAX).map((row) =>
    `${ORDER_OUTBOX.placeOf?.(row).key} ${(row as OrderEventRow).seq}`
  );

/** A read that returns these rows. */
function read(queue: EventQueue, rows: readonly OrderEventRow[]): void {
  queue.add(rows, queue.beginRead());
}

test("the first events of an order are taken, and each that follows one", () => {
  const queue = openQueue();
  expect(queue.isBehind, "the table has not been read").toBe(true);
  read(queue, []);
  queue.offer([event(1, 1), event(1, 2), event(2, 1)]);
  queue.offer([event(1, 3)]);
  expect(queue.isBehind).toBe(false);
  expect(placesOf(queue)).toEqual(["1 1", "1 2", "2 1", "1 3"]);
});

test("an event without its predecessor is left to the table, and taken after it", () => {
  const queue = openQueue();
  read(queue, []);
  const second = event(1, 2);
  queue.offer([event(1, 3)]);
  expect([queue.length, queue.isBehind]).toEqual([0, true]);
  read(queue, [second]);
  queue.offer([event(1, 3)]);
  expect(placesOf(queue)).toEqual(["1 2", "1 3"]);
});

test("an event is taken once, from memory or from the table", () => {
  const queue = openQueue();
  const [first, second] = [event(1, 1), event(1, 2)];
  const reading = queue.beginRead();
  queue.offer([first, second]);
  queue.add([first, second], reading);
  expect(placesOf(queue)).toEqual(["1 1", "1 2"]);
  expect(queue.beginRead().knownIds).toEqual([first.id, second.id]);
  queue.offer([first]);
  expect(queue.length, "it is being published").toBe(0);
});

test("a read omits events that are not marked yet, and those marked after it began", () => {
  const queue = openQueue();
  const first = event(1, 1);
  queue.offer([first]);
  queue.take(1);
  const reading = queue.beginRead();
  queue.marked([first.id as bigint]);
  queue.add([first], reading);
  expect(queue.length).toBe(0);
  expect(queue.beginRead().knownIds).toEqual([]);
});

test("a read that began before a reset is discarded", () => {
  const queue = openQueue();
  queue.offer([event(1, 1)]);
  const reading = queue.beginRead();
  queue.reset();
  queue.add([event(1, 2)], reading);
  expect([queue.length, queue.isBehind]).toEqual([0, true]);
});

test("after a reset only the table has the last event of an order", () => {
  const queue = openQueue();
  const taken = [event(1, 1), event(1, 2)];
  queue.offer(taken);
  queue.reset(queue.take(2));
  expect(queue.beginRead().knownIds).toEqual([]);
  queue.offer([event(1, 3)]);
  expect(queue.length).toBe(0);
});

test("an event that names refused ones is not followed from memory", () => {
  const queue = openQueue();
  read(queue, [event(1, 2, "1-1")]);
  queue.offer([event(1, 3)]);
  expect([queue.length, queue.isBehind]).toEqual([1, true]);
});

test("a full queue leaves events to the table, until the table has been read", () => {
  const queue = openQueue();
  read(queue, []);
  for (let order = 1; order <= WAITING_MAX / 2; order++) {
    queue.offer([event(order, 1), event(order, 2)]);
  }
  expect(queue.isBehind).toBe(false);
  queue.offer([event(0, 1), event(0, 2)]);
  expect([queue.length, queue.isBehind]).toEqual([WAITING_MAX, true]);
  queue.take(WAITING_MAX - WAITING_BEHIND_MAX);
  queue.offer([event(-1, 1)]);
  expect(queue.length).toBe(WAITING_BEHIND_MAX);
  queue.take(WAITING_BEHIND_MAX / 2);
  read(queue, [event(0, 1)]);
  queue.offer([event(0, 3), event(1, 3)]);
  expect(placesOf(queue).slice(-2)).toEqual(["0 1", "1 3"]);
});

test("an outbox without places takes no events from memory", () => {
  const queue = new EventQueue(STOCK_OUTBOX);
  queue.offer([{ id: 1n, traceparent: "t" }]);
  expect([queue.length, queue.isBehind]).toEqual([0, true]);
});
