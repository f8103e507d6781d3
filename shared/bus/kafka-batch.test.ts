import type { KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { PartitionProgress } from "./kafka-batch.ts";

function messages(...offsets: string[]): KafkaMessage[] {
  return offsets.map((offset) => ({
    offset,
    key: null,
    value: null,
    timestamp: "0",
    attributes: 0,
    headers: {},
  }));
}

test("lastContiguous() stops before the first unprocessed message", () => {
  const progress = new PartitionProgress();
  const fetched = messages("7", "8", "12");
  expect(progress.lastContiguous(fetched)).toBeUndefined();
  for (const offset of ["7", "12"]) progress.finish(offset);
  expect(progress.lastContiguous(fetched)).toBe("7");
  progress.finish("8");
  expect(progress.lastContiguous(fetched)).toBe("12");
});

test("forget() keeps messages processed beyond the committed offset", () => {
  const progress = new PartitionProgress();
  for (const offset of ["7", "9"]) progress.finish(offset);
  progress.forget(messages("7", "8", "9"), "7");
  expect([progress.isDone("7"), progress.isDone("9")]).toEqual([false, true]);
});

test("backoffMs() doubles with each failure up to 5 s, until the message is processed", () => {
  const progress = new PartitionProgress();
  const waits = Array.from({ length: 8 }, () => {
    progress.fail("7");
    return progress.backoffMs();
  });
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(progress.attempt("7")).toBe(9);
  progress.finish("7");
  expect(progress.backoffMs()).toBeUndefined();
});
