import { createRequire } from "node:module";
import { afterEach, expect, test, vi } from "vitest";
import { keepHeartbeats } from "./kafka-heartbeats.ts";

const INTERVAL_MS = 3_000;
const HOUR_MS = 3_600_000;

interface Coordinator {
  heartbeat(payload: object): Promise<void>;
}

interface Group {
  memberId: string;
  coordinator: Coordinator;
  offsetManager: { coordinator: Coordinator } | null;
  heartbeat(options: { readonly interval: number }): Promise<void>;
}

const ConsumerGroup = createRequire(import.meta.url)(
  "kafkajs/src/consumer/consumerGroup.js",
) as new (options: object) => Group;

keepHeartbeats();

afterEach(() => {
  vi.useRealTimers();
});

/** A member whose group has these coordinators, one after the other. */
function openGroup(first: Coordinator, ...others: (Coordinator | Promise<never>)[]): Group {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  const group = new ConsumerGroup({
    topics: [],
    logger: { namespace: () => ({}) },
    instrumentationEmitter: { emit: () => {} },
    cluster: { findGroupCoordinator: () => Promise.resolve(others.shift()) },
  });
  return Object.assign(group, { memberId: "member", coordinator: first });
}

test("a consumer continues its heartbeats when the clock steps back", async () => {
  const sent = vi.fn<Coordinator["heartbeat"]>(() => Promise.resolve());
  const group = openGroup({ heartbeat: sent });
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

test.each([
  { name: "KafkaJSConnectionError" },
  { name: "KafkaJSRequestTimeoutError" },
  { name: "KafkaJSProtocolError", type: "NOT_COORDINATOR_FOR_GROUP" },
])("a consumer looks up a coordinator that fails with $name $type", async (error) => {
  const lost = { heartbeat: () => Promise.reject(error) };
  const next = { heartbeat: vi.fn<Coordinator["heartbeat"]>(() => Promise.resolve()) };
  const group = openGroup(lost, next);
  group.offsetManager = { coordinator: lost };
  vi.setSystemTime(Date.now() + INTERVAL_MS);
  await group.heartbeat({ interval: INTERVAL_MS });
  expect(next.heartbeat).toHaveBeenCalledOnce();
  expect(group.offsetManager.coordinator).toBe(next);
});

test("a heartbeat fails with the first error when the lookup takes more than 2 s", async () => {
  const error = { name: "KafkaJSConnectionError" };
  const group = openGroup({ heartbeat: () => Promise.reject(error) }, new Promise(() => {}));
  vi.setSystemTime(Date.now() + INTERVAL_MS);
  const failure = group.heartbeat({ interval: INTERVAL_MS }).catch((thrown: unknown) => thrown);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await failure).toBe(error);
});

test("a consumer rejoins after any other error of its coordinator", async () => {
  const error = { name: "KafkaJSProtocolError", type: "UNKNOWN_MEMBER_ID" };
  const group = openGroup({ heartbeat: () => Promise.reject(error) });
  vi.setSystemTime(Date.now() + INTERVAL_MS);
  await expect(group.heartbeat({ interval: INTERVAL_MS })).rejects.toBe(error);
});
