import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Outcome } from "./deliver.ts";
import { KafkaPartition } from "./kafka-partition.ts";

/** A partition whose fetches return messages, given as key@offset, from its position on. */
function openPartition(...keysAndOffsets: readonly string[]) {
  const all = keysAndOffsets.map((text): KafkaMessage => {
    const [key = "", offset = ""] = text.split("@");
    return {
      ...{ key: key as never, offset, value: null, timestamp: "0", attributes: 0, headers: {} },
    };
  });
  const failing = new Set<string>();
  const calls: string[] = [];
  const resolved: string[] = [];
  const session = { open: true };
  const closing = new AbortController();
  onTestFinished(() => closing.abort());
  const partition = new KafkaPartition({
    deliver: (_payload, messages, attemptOf) => {
      calls.push(messages.map((each) => `${each.offset}#${attemptOf(each)}`).join(" "));
      const stopped = new Set<string>();
      return Promise.resolve(messages.map(({ offset, key }): Outcome => {
        if (stopped.has(String(key))) return "waiting";
        if (!failing.has(offset)) return "handled";
        stopped.add(String(key));
        return "failed";
      }));
    },
    onProgress: () => {},
    isMember: () => session.open,
    closing: closing.signal,
    heartbeatMs: 60_000,
  });
  const fetch = () =>
    partition.take(
      {
        batch: {
          messages: all.filter(({ offset }) => Number(offset) > Number(resolved.at(-1) ?? 0)),
        },
        resolveOffset: (offset: string) => void resolved.push(offset),
        isRunning: () => true,
        isStale: () => false,
        pause: () => () => {},
      } as unknown as EachBatchPayload,
    );
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return { fetch, failing, calls, resolved, session };
}

test("messages that arrive together are handled together, up to 100 in a call", async () => {
  const { fetch, calls, resolved } = openPartition(
    ...Array.from({ length: 250 }, (_, index) => `key@${index + 1}`),
  );
  await fetch();
  expect(calls.map((call) => call.split(" ").length)).toEqual([100, 100, 50]);
  expect(resolved).toEqual(["250"]);
});

test("the position stays at the first unprocessed message, and none is handled twice", async () => {
  const { fetch, failing, calls, resolved } = openPartition("a@7", "b@8", "b@9", "c@12");
  failing.add("8");
  await fetch();
  expect(resolved).toEqual(["7"]);
  failing.clear();
  await fetch();
  expect(calls).toEqual(["7#1 8#1 9#1 12#1", "8#2 9#1"]);
  expect(resolved).toEqual(["7", "12"]);
});

test("nothing is handled after the session of the member has ended", async () => {
  const { fetch, calls, resolved, session } = openPartition("a@1", "b@2");
  session.open = false;
  await fetch();
  expect({ calls, resolved }).toEqual({ calls: [], resolved: [] });
  session.open = true;
  await fetch();
  expect(calls).toEqual(["1#1 2#1"]);
});

test("a failed key is handled in a separate call", async () => {
  const { fetch, failing, calls } = openPartition("a@1", "b@2", "c@3", "a@4");
  for (const offset of ["1", "2", "3"]) failing.add(offset);
  await fetch();
  await fetch();
  expect(calls).toEqual(["1#1 2#1 3#1 4#1", "1#2 4#1", "2#2", "3#2"]);
});

test("the pause after a failure doubles up to 5 s", async () => {
  const { fetch, failing } = openPartition("a@1");
  failing.add("1");
  const waits: number[] = [];
  for (let turn = 0; turn < 8; turn++) {
    await fetch();
    const failedAt = Date.now();
    vi.advanceTimersToNextTimer();
    waits.push(Date.now() - failedAt);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});
