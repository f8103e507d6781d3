import { expect, test } from "vitest";
import { Batcher } from "./batcher.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A batcher whose batches wait until they are let go. */
function openBatcher(batchMax: number) {
  const batches: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const batcher = new Batcher<number, string>({
    batchMax,
    run: (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => error ? reject(error) : resolve(items.map(String));
        batches.push({ items, end });
      }),
  });
  return { batcher, batches };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 10; round++) await Promise.resolve();
}

test("ask() sends a lone item at once and gives it its own answer", async () => {
  const { batcher, batches } = openBatcher(10);
  const answer = batcher.ask(7);
  await settle();
  batches[0]?.end();
  expect(await answer).toBe("7");
});

test("calls during a batch form the next one, up to batchMax and in order", async () => {
  const { batcher, batches } = openBatcher(3);
  const answers = [batcher.ask(1), batcher.ask(2)];
  await settle();
  answers.push(...[3, 4, 5, 6].map((item) => batcher.ask(item)));
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2]]);
  for (let index = 0; index < 3; index++) {
    batches[index]?.end();
    await settle();
  }
  expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3, 4, 5], [6]]);
  expect(await Promise.all(answers)).toEqual(["1", "2", "3", "4", "5", "6"]);
});

test("onBatch gets how long each item of a batch has waited for it to begin", async () => {
  const clock = new VirtualClock();
  const waits: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const batcher = new Batcher<number, number>({
    batchMax: 10,
    run: (items) => new Promise((resolve) => ends.push(() => resolve(items))),
    onBatch: (waitedMs) => waits.push(waitedMs),
    clock,
  });
  const first = batcher.ask(1);
  await clock.advance(5);
  const second = batcher.ask(2);
  await clock.advance(5);
  const third = batcher.ask(3);
  ends[0]?.();
  await first;
  await settle();
  expect(waits).toEqual([[0], [5, 0]]);
  ends[1]?.();
  await Promise.all([second, third]);
});

test("ask() rejects for the items of a failed batch only", async () => {
  const { batcher, batches } = openBatcher(1);
  const first = batcher.ask(1);
  const second = batcher.ask(2);
  await settle();
  batches[0]?.end(new Error("lost"));
  await expect(first).rejects.toThrow("lost");
  await settle();
  batches[1]?.end();
  expect(await second).toBe("2");
});
