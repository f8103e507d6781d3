import { expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { Batcher, type BatcherOptions } from "./batcher.ts";

/** A batcher whose batches wait until the test releases them. */
function openBatcher(options: Partial<BatcherOptions<number, string>> = {}) {
  const batches: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const batcher = new Batcher<number, string>({
    batchMax: 10,
    waitingMax: 10,
    later: queueMicrotask,
    run: (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => error ? reject(error) : resolve(items.map(String));
        batches.push({ items, end });
      }),
    ...options,
  });
  const sent = () => batches.map(({ items }) => items);
  return { batcher, batches, sent };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}

test("submit() sends a lone item at once and returns its answer", async () => {
  const { batcher, batches } = openBatcher();
  const answer = batcher.submit(7);
  await settle();
  batches[0]?.end();
  expect(await answer).toBe("7");
});

test("calls during a batch form the next one, up to batchMax and in order", async () => {
  const { batcher, batches, sent } = openBatcher({ batchMax: 3 });
  const answers = [batcher.submit(1), batcher.submit(2)];
  await settle();
  answers.push(...[3, 4, 5, 6].map((item) => batcher.submit(item)));
  await settle();
  expect(sent()).toEqual([[1, 2]]);
  for (let index = 0; index < 3; index++) {
    batches[index]?.end();
    await settle();
  }
  expect(sent()).toEqual([[1, 2], [3, 4, 5], [6]]);
  expect(await Promise.all(answers)).toEqual(["1", "2", "3", "4", "5", "6"]);
});

test("batchesMax batches run concurrently", async () => {
  const { batcher, batches, sent } = openBatcher({ batchesMax: 2 });
  for (const item of [1, 2, 3, 4]) {
    void batcher.submit(item);
    await settle();
  }
  expect(sent()).toEqual([[1], [2]]);
  batches[1]?.end();
  await settle();
  expect(sent()).toEqual([[1], [2], [3, 4]]);
});

test("a batch ends before it exceeds weightMax, and has one item of any weight", async () => {
  const { batcher, batches, sent } = openBatcher({ weightMax: 10, weightOf: (item) => item });
  for (const item of [4, 6, 1, 99, 2]) void batcher.submit(item);
  for (let index = 0; index < 4; index++) {
    await settle();
    batches[index]?.end();
  }
  expect(sent()).toEqual([[4, 6], [1], [99], [2]]);
});

test("onBatch receives the time that each item of a batch has waited", async () => {
  const clock = new VirtualClock();
  const waits: (readonly number[])[] = [];
  const onBatch = (waitedMs: readonly number[]) => waits.push(waitedMs);
  const { batcher, batches } = openBatcher({ onBatch, clock });
  const first = batcher.submit(1);
  await clock.advance(5);
  void batcher.submit(2);
  await clock.advance(5);
  void batcher.submit(3);
  batches[0]?.end();
  await first;
  await settle();
  expect(waits).toEqual([[0], [5, 0]]);
});

test("submit() rejects for the items of a failed batch only", async () => {
  const { batcher, batches } = openBatcher({ batchMax: 1 });
  const first = batcher.submit(1);
  const second = batcher.submit(2);
  await settle();
  batches[0]?.end(new Error("lost"));
  await expect(first).rejects.toThrow("lost");
  await settle();
  batches[1]?.end();
  expect(await second).toBe("2");
});

test("a divisible batch is run in halves, down to the item that fails", async () => {
  const sent: (readonly number[])[] = [];
  const { batcher } = openBatcher({
    run(items) {
      sent.push(items);
      if (items.includes(4)) return Promise.reject(new Error("no 4"));
      return Promise.resolve(items.map(String));
    },
    isDivisible: () => true,
  });
  const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((item) => batcher.submit(item)));
  expect(answers.map(({ status }) => status))
    .toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect(sent).toEqual([[1, 2, 3, 4, 5], [1, 2, 3], [4, 5], [4], [5]]);
});

test("a batch that is not divisible fails as a whole and is not repeated", async () => {
  const { batcher, batches, sent } = openBatcher({ isDivisible: () => false });
  const answers = [batcher.submit(1), batcher.submit(2)];
  await settle();
  batches[0]?.end(new Error("lost"));
  for (const answer of answers) await expect(answer).rejects.toThrow("lost");
  expect(sent()).toEqual([[1, 2]]);
});

test("submit() throws resource_exhausted with a Retry-After if too many calls wait", async () => {
  const { batcher, batches, sent } = openBatcher({ waitingMax: 2 });
  void batcher.submit(1);
  await settle();
  void batcher.submit(2);
  void batcher.submit(3);
  await expect(batcher.submit(4)).rejects
    .toMatchObject({ code: "resource_exhausted", retryAfterMs: 1_000 });
  batches[0]?.end();
  await settle();
  expect(sent()).toEqual([[1], [2, 3]]);
});

/** Callers of one clock: item n has a deadline n ms after the start. */
function openWithDeadlines() {
  const clock = new VirtualClock();
  const startedAt = clock.now();
  const callerOf = (item: number) => {
    const timeoutMs = startedAt + item - clock.now();
    return new RequestContext({ traceparent: "", timeoutMs, clock });
  };
  return { clock, ...openBatcher({ callerOf, clock }) };
}

test("an item whose deadline passes while it waits is rejected and never sent", async () => {
  const { batcher, batches, sent, clock } = openWithDeadlines();
  void batcher.submit(500);
  await settle();
  const early = batcher.submit(20);
  void batcher.submit(501);
  const rejected = expect(early).rejects.toMatchObject({ code: "deadline_exceeded" });
  await clock.advance(20);
  await rejected;
  batches[0]?.end();
  await settle();
  expect(sent()).toEqual([[500], [501]]);
});

test("each item that waits is rejected at its own deadline", async () => {
  const { batcher, batches, clock } = openWithDeadlines();
  void batcher.submit(500);
  await settle();
  const rejectedAt: [number, number][] = [];
  const answers = [30, 10, 20].map((item) =>
    batcher.submit(item).catch(() => rejectedAt.push([item, clock.now()]))
  );
  const from = clock.now();
  for (let step = 0; step < 30; step++) await clock.advance(1);
  await Promise.all(answers);
  expect(rejectedAt).toEqual([10, 20, 30].map((item) => [item, from + item]));
  batches[0]?.end();
});

test("an item whose caller disconnects while it waits is never sent", async () => {
  let hasLeft = false;
  const clock = new VirtualClock();
  const caller = {
    remainingMs: () => 500,
    get hasLeft() {
      return hasLeft;
    },
  };
  const { batcher, batches, sent } = openBatcher({ callerOf: () => caller, clock });
  const first = batcher.submit(1);
  await settle();
  const second = batcher.submit(2);
  hasLeft = true;
  batches[0]?.end();
  await expect(second).rejects.toMatchObject({ code: "unavailable" });
  expect([await first, sent()]).toEqual(["1", [[1]]]);
});

test("an item in a batch is ended only by the batch", async () => {
  const { batcher, batches, clock } = openWithDeadlines();
  const answer = batcher.submit(20);
  await clock.advance(100);
  batches[0]?.end();
  expect(await answer).toBe("20");
});

test("other batches start while up to stalledMax are stalled", async () => {
  const clock = new VirtualClock();
  const { batcher, batches, sent } = openBatcher({ stalledAfterMs: 100, stalledMax: 1, clock });
  for (const item of [1, 2, 3]) {
    void batcher.submit(item);
    await clock.advance(100);
  }
  expect(sent()).toEqual([[1], [2]]);
  batches[0]?.end();
  await settle();
  expect(sent()).toEqual([[1], [2], [3]]);
  batches[1]?.end();
  void batcher.submit(4);
  await settle();
  expect(sent()).toHaveLength(3);
});
