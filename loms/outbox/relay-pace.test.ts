import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { DurableRunner, StatementRunner } from "../../shared/postgres/statement.ts";
import { ORDER_OUTBOX } from "./order-outbox.ts";
import { Relay } from "./relay.ts";

test("a holder reads often while another relay waits, more often if events arrive", async () => {
  const clock = new VirtualClock();
  const event = { order_id: 1n, user_id: 7n, seq: 1, status: "new", at: "", traceparent: "t" };
  let reads = 0;
  let [awaited, events] = [false, 0];
  const read = () => {
    const rest = { refused_before: null, reason: null, awaited };
    const first = ++reads * 10;
    const taken = Array.from({ length: events }, (_, index) => (
      { ...event, ...rest, id: BigInt(first + index), state: "taken" }
    ));
    return Promise.resolve(events > 0 ? taken : [{ ...rest, state: "drained" }]);
  };
  const relay = new Relay({
    outbox: ORDER_OUTBOX,
    writes: { run: read } as unknown as DurableRunner,
    marks: { run: () => Promise.resolve([]) } as unknown as StatementRunner,
    bus: { publish: () => Promise.resolve() },
    topic: { name: "events", groups: [], deadLetterQueue: "dead" },
    ...{ clock, relayId: "relay", onError: () => {} },
  });
  const readsInMs = async (ms: number) => {
    const before = reads;
    for (let passed = 0; passed < ms; passed += 10) await clock.advance(10);
    return reads - before;
  };
  relay.start();
  expect(await readsInMs(3_000)).toBeLessThan(8);
  awaited = true;
  await readsInMs(1_000);
  expect(await readsInMs(3_000)).toBe(20);
  events = 1;
  await readsInMs(1_000);
  expect(await readsInMs(3_000)).toBe(100);
  events = 5;
  await readsInMs(1_000);
  expect(await readsInMs(3_000)).toBe(300);
  events = 0;
  await readsInMs(3_000);
  expect(await readsInMs(3_000)).toBe(20);
  await relay.close();
});
