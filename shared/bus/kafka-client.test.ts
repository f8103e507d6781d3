import { createRequire } from "node:module";
import { afterEach, expect, test, vi } from "vitest";
import { heartbeatsFollowClockBack } from "./kafka-client.ts";

const INTERVAL_MS = 3_000;
const HOUR_MS = 3_600_000;

interface Group {
  memberId: string;
  coordinator: { heartbeat(payload: object): Promise<void> };
  heartbeat(options: { readonly interval: number }): Promise<void>;
}

const ConsumerGroup = createRequire(import.meta.url)(
  "kafkajs/src/consumer/consumerGroup.js",
) as new (options: object) => Group;

afterEach(() => {
  vi.useRealTimers();
});

test("a consumer continues its heartbeats when the clock steps back", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  heartbeatsFollowClockBack();
  const group = new ConsumerGroup({
    topics: [],
    logger: { namespace: () => ({}) },
    instrumentationEmitter: { emit: () => {} },
  });
  group.memberId = "member";
  const sent = vi.fn<(payload: object) => Promise<void>>(() => Promise.resolve());
  group.coordinator = { heartbeat: sent };
  const beats = async (afterMs: number) => {
    vi.setSystemTime(Date.now() + afterMs);
    await group.heartbeat({ interval: INTERVAL_MS });
    return sent.mock.calls.length;
  };
  expect(await beats(INTERVAL_MS - 1)).toBe(0);
  expect(await beats(1)).toBe(1);
  expect(await beats(-HOUR_MS)).toBe(2);
  expect(await beats(INTERVAL_MS - 1)).toBe(2);
  expect(await beats(1)).toBe(3);
});
