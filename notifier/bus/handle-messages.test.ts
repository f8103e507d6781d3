import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { type IncomingMessage, UnreadableMessageError } from "../../shared/bus/bus.ts";
import { AppError } from "../../shared/errors.ts";
import type { LastShown, SkippedEvents } from "../domain/deps.ts";
import { handleMessages } from "./handle-messages.ts";

const AT = "2026-01-02T03:04:05.678Z";

/** The handler with a record that has the first event of every order. */
function setUp(noteDead?: LastShown["noteDead"]) {
  const seqs = new Map<bigint, number>();
  const dead: [orderId: bigint, seq: number][] = [];
  const shown: number[] = [];
  const skipped: SkippedEvents[] = [];
  const outcomes: string[] = [];
  const lastShown: LastShown = {
    lastSeqs: () => Promise.resolve(seqs),
    remember: (events) => {
      for (const { orderId, seq } of events) seqs.set(orderId, seq);
      return Promise.resolve();
    },
    coversBeginningOf: () => Promise.resolve(true),
    noteDead: noteDead ?? ((orderId, seq) => Promise.resolve(void dead.push([orderId, seq]))),
    deadSeqs: (orderId) =>
      Promise.resolve(dead.filter(([order]) => order === orderId).map(([, seq]) => seq)),
    forgetFinal: () => Promise.resolve(0),
  };
  const handle = handleMessages({
    lastShown,
    sink: { show: (events) => Promise.resolve(void shown.push(...events.map(({ seq }) => seq))) },
    onSkipped: (each) => void skipped.push(each),
    onOutcome: (outcome) => void outcomes.push(outcome),
  }, new VirtualClock());
  return { handle, dead, shown, skipped, outcomes };
}

function message(seq: number, headers: Record<string, string> = {}, value?: string) {
  const event = { id: `7-${seq}`, order_id: 7, user_id: 1, seq, status: "payed", at: AT };
  return {
    key: "7",
    value: value ?? JSON.stringify(event),
    headers: { ce_id: event.id, ...headers },
    position: "p",
    attempt: 1,
  } satisfies IncomingMessage;
}

test("each event has an outcome: shown, stale or dead", async () => {
  const { handle, outcomes } = setUp();
  expect(await handle([message(1)])).toEqual(new Map());
  const failures = await handle([message(1), message(2, {}, "{}"), message(3)]);
  expect([...failures.keys()]).toEqual([1]);
  expect(failures.get(1)).toBeInstanceOf(UnreadableMessageError);
  expect(outcomes).toEqual(["shown", "stale", "shown", "dead"]);
});

test("an unreadable event is recorded as dead, and is not a gap before the next one", async () => {
  const { handle, dead, shown, skipped } = setUp();
  await handle([message(1), message(2, {}, "{"), message(3)]);
  expect([dead, shown, skipped]).toEqual([[[7n, 2]], [1, 3], []]);
});

test.each(["poison", "7-0", "07-1", "9223372036854775808-1", "7-1-1", ""])(
  "an unreadable message that is not an order event (ce_id %j) is not recorded",
  async (ce_id) => {
    const { handle, dead } = setUp();
    expect((await handle([message(1, { ce_id }, "{")])).size).toBe(1);
    expect(dead).toEqual([]);
  },
);

test("an unreadable event is redelivered until it can be recorded", async () => {
  const down = new AppError("unavailable", "the database is unavailable");
  const { handle, outcomes } = setUp(() => Promise.reject(down));
  await expect(handle([message(1, {}, "{")])).rejects.toBe(down);
  expect(outcomes).toEqual([]);
});

test("events named in the header as rejected by the bus are not a gap", async () => {
  const { handle, skipped } = setUp();
  await handle([message(1), message(4, { refused_before: "7-2,7-3" })]);
  expect(skipped).toEqual([]);
});

test("a header that names other orders does not explain a gap", async () => {
  const { handle, skipped } = setUp();
  await handle([message(3, { refused_before: "8-1,8-2,nonsense" })]);
  expect(skipped).toEqual([{ orderId: 7n, lastSeq: 0, nextSeq: 3, count: 2 }]);
});
