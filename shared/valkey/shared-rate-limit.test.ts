import { expect, test, vi } from "vitest";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { SharedRateLimit } from "./shared-rate-limit.ts";
import type { Valkey } from "./valkey.ts";

const OPTIONS = { subject: "product service", permits: 10, windowMs: 1_000, useMaxMs: 500 };
const away = new AppError("unavailable", "The cart store is unavailable");

/** A limit whose store gives these replies, and then grants permits. */
function limitOf(...replies: readonly (readonly unknown[] | AppError)[]) {
  const clock = new VirtualClock();
  const run = vi.fn<Valkey["run"]>(async () => ["granted"]);
  for (const reply of replies) {
    if (reply instanceof AppError) run.mockRejectedValueOnce(reply);
    else run.mockResolvedValueOnce(reply);
  }
  return {
    clock,
    limit: new SharedRateLimit("test", { ...OPTIONS, store: { run }, clock }),
    /** The calls of the store: operation, and the ms of its last argument. */
    calls: () => run.mock.calls.map(([{ args }]) => [args[0], args.at(-1)]),
    /** How long each of them may take, in ms. */
    timeouts: () => run.mock.calls.map(([, context]) => context.remainingMs()),
    tickets: () => new Set(run.mock.calls.map(([{ args }]) => args[1])),
    deadline: (ms: number, signal = new AbortController().signal) => (
      { deadlineAt: clock.now() + ms, signal }
    ),
  };
}

test("a pause that the store has not confirmed is sent again before the next permit", async () => {
  const { limit, clock, calls, deadline } = limitOf(away, away);
  limit.pause(60_000);
  await clock.advance(10_000);
  await expect(limit.acquire(deadline(5_000))).rejects.toBe(away);
  await clock.advance(20_000);
  await limit.acquire(deadline(5_000));
  expect(calls()).toEqual([
    ["pause", 60_000],
    ["pause", 50_000],
    ["pause", 30_000],
    ["acquire", 5_000],
  ]);
  await limit.acquire(deadline(5_000));
  expect(calls().slice(4)).toEqual([["acquire", 5_000]]);
});

test("a pause that is sent again takes no longer than the caller may wait", async () => {
  const { limit, calls, timeouts, deadline } = limitOf(away, away);
  limit.pause(60_000);
  await expect(limit.acquire(deadline(300))).rejects.toBe(away);
  expect(calls()).toEqual([["pause", 60_000], ["pause", 60_000]]);
  expect(timeouts()).toEqual([2_000, 300]);
});

test("a pause that has ended is not sent again", async () => {
  const { limit, clock, calls, deadline } = limitOf(away);
  limit.pause(1_000);
  await clock.advance(1_000);
  await limit.acquire(deadline(5_000));
  expect(calls()).toEqual([["pause", 1_000], ["acquire", 5_000]]);
});

test("a ticket leaves the queue when the store does not answer", async () => {
  const { limit, calls, tickets, deadline } = limitOf(away);
  await expect(limit.acquire(deadline(5_000))).rejects.toBe(away);
  expect(calls()).toEqual([["acquire", 5_000], ["leave", 0]]);
  expect(tickets().size).toBe(1);
});

test("a refused ticket, which is not in the queue, does not leave it", async () => {
  const { limit, calls, deadline } = limitOf(["refused", 6_000, 0]);
  await expect(limit.acquire(deadline(5_000))).rejects.toThrow(/is busy/);
  expect(calls()).toEqual([["acquire", 5_000]]);
});

test("no permit is requested after the deadline", async () => {
  const { limit, calls, deadline } = limitOf();
  await expect(limit.acquire(deadline(0))).rejects.toMatchObject({
    code: "unavailable",
    message: "The product service is busy: its next call is in 0 ms, the deadline in 0 ms",
  });
  expect(calls()).toEqual([]);
});
