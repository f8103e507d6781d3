import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { type Beside, startBeside } from "./beside.ts";
import { eventually } from "./eventually.ts";
import { linesOf, type Notification } from "./notifications.ts";
import { expectInvariants, startOwnStack, subjectOf } from "./own-stack.ts";
import { type Shop, shopAt } from "./shop.ts";
import { underLoad } from "./under-load.ts";
import { newUser } from "./users.ts";

const SKU = 1_625_903;
const ORDERS = 60;

let stack: Stack;
let shop: Shop;
let second: Beside;

beforeAll(async () => {
  // The test checks the notifications of the second one.
  stack = await startOwnStack({}, { notifierLogs: [] });
  second = await startBeside("notifier", stack);
  shop = shopAt(stack);
});
afterAll(async () => {
  await second.close();
  await stack.close();
});

const shownByFirst = () => (linesOf(stack, "notifier") as Notification[]).filter(isNotification);
const shownBySecond = () =>
  second.process.output().split("\n").filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as Notification).filter(isNotification);

function isNotification(line: Notification): boolean {
  return line.order_id !== undefined && line.seq !== undefined;
}

/** The shown events of these orders as "order seq", in order per order. */
function reported(lines: readonly Notification[], orders: readonly number[]): string[] {
  return lines.filter(({ order_id }) => orders.includes(order_id))
    .map(({ order_id, seq }) => `${order_id} ${seq}`)
    .toSorted();
}

const expected = (orders: readonly number[]) =>
  orders.flatMap((order) => [1, 2, 3].map((seq) => `${order} ${seq}`)).toSorted();

async function buyMany(): Promise<number[]> {
  return await Promise.all(Array.from({ length: ORDERS }, async () => {
    const order = await shop.create(newUser(), SKU, 1);
    await shop.pay(order);
    return order;
  }));
}

test("two notifiers share the events: both show some, and each event is shown once", async () => {
  const orders: number[] = [];
  // The first member may take all partitions.
  await eventually(async () => {
    orders.push(...await buyMany());
    expect(reported(shownByFirst(), orders)).not.toEqual([]);
    expect(reported(shownBySecond(), orders)).not.toEqual([]);
  });
  await eventually(() => {
    const all = [...shownByFirst(), ...shownBySecond()];
    expect(reported(all, orders)).toEqual(expected(orders));
  });
});

test("after kill -9 of one notifier the other shows its share, complete and in order", async () => {
  const orders: number[] = [];
  const buyOn = async (isOpen: () => boolean) => {
    while (isOpen()) orders.push(...await buyMany());
  };
  await underLoad(buyOn, async () => {
    const before = shownBySecond().length;
    await eventually(() => expect(shownBySecond().length).toBeGreaterThan(before));
    second.process.signal("SIGKILL");
    expect(await second.process.ended).toBe("SIGKILL");
  });
  const killed = shownBySecond();
  await eventually(() => {
    const all = new Set(reported([...shownByFirst(), ...killed], orders));
    expect([...all]).toEqual(expected(orders));
  });
  const ofFirst = reported(shownByFirst(), orders);
  expect(new Set(ofFirst).size, "none is repeated by the remaining notifier").toBe(ofFirst.length);

  const log = join(stack.logDirectory, "second-notifier.log");
  writeFileSync(log, second.process.output());
  const subject = subjectOf(stack);
  await expectInvariants({ ...subject, notifierLogs: [...subject.notifierLogs ?? [], log] });
});
