import { beforeEach, expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import type { ProbeOutcome } from "./commit-probe.ts";
import { Replication } from "./replication.ts";
import { UNCONFIRMED_AFTER_MS } from "./replication-doubts.ts";

const DEGRADE_AFTER_MS = 6_000;
const STEP_MS = 500;
const ASYNCHRONOUS = { asynchronous: "no listed replica is synchronous (replica 1: async)" };

let clock: VirtualClock;
/** How each probe ends; one that hangs never does. */
let standing: ProbeOutcome | "hanging";
let states: string[];
const endWaits = vi.fn<() => Promise<void>>();

beforeEach(() => {
  clock = new VirtualClock();
  standing = "confirmed";
  states = [];
  endWaits.mockReset().mockResolvedValue();
});

function open(degradeAfterMs?: number): Replication {
  const commit = () =>
    standing === "hanging" ? new Promise<never>(() => {}) : Promise.resolve(standing);
  return new Replication({
    probe: { commit, endWaits },
    degradeAfterMs,
    clock,
    onState: (state) => states.push(state),
    onDegraded: () => {},
  });
}

async function step(replication: Replication, outcome: ProbeOutcome): Promise<void> {
  standing = outcome;
  await replication.step();
}

/** Every probe ends with this outcome. */
async function stepFor(replication: Replication, outcome: ProbeOutcome, forMs: number) {
  for (let passedMs = 0; passedMs < forMs; passedMs += STEP_MS) {
    await step(replication, outcome);
    clock.stall(STEP_MS);
  }
}

const write = (replication: Replication) =>
  replication.synchronously("order_create", () => Promise.resolve("done"));

test("degraded writes end under any synchronous_standby_names", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  await stepFor(replication, "unseen", DEGRADE_AFTER_MS + STEP_MS);
  expect([replication.state, replication.durability]).toEqual(["degraded", "remote_apply"]);
  expect(() => replication.assertWaitedFor("", "order_create")).not.toThrow();
  expect(endWaits).not.toHaveBeenCalled();
});

test("one look that the primary does not answer refuses nothing, many in a row do", async () => {
  const replication = open();
  await stepFor(replication, "unseen", UNCONFIRMED_AFTER_MS);
  expect(await write(replication)).toBe("done");
  await stepFor(replication, "confirmed", STEP_MS);
  await stepFor(replication, "unseen", UNCONFIRMED_AFTER_MS);
  expect(states, "counted from the last confirmed probe").toEqual([]);
  await step(replication, "unseen");
  await expect(write(replication)).rejects.toMatchObject({
    code: "unavailable",
    message: "order_create is refused: " +
      "the primary does not say in time which replicas are synchronous",
  });
  await step(replication, "confirmed");
  expect(states).toEqual(["refusing", "synchronous"]);
});

const START_TIMEOUT_MS = 10_000;

/** Whether the start has ended after that time. */
async function isKnownAfter(replication: Replication, forMs: number): Promise<boolean> {
  let isKnown = false;
  void replication.untilKnown(START_TIMEOUT_MS).then(() => {
    isKnown = true;
  }, () => {});
  for (let passedMs = 0; passedMs <= forMs; passedMs += STEP_MS / 2) {
    await clock.advance(STEP_MS / 2);
  }
  return isKnown;
}

test.each(["unknown", "unseen", "unconfirmed", "hanging"] as const)(
  "what commits wait for is not known from a probe that is %s, at first",
  async (outcome) => {
    standing = outcome;
    expect(await isKnownAfter(open(), STEP_MS)).toBe(false);
  },
);

test.each(["unseen", "unconfirmed", "hanging"] as const)(
  "it is known that writes are refused once probes were %s for too long",
  async (outcome) => {
    standing = outcome;
    const replication = open();
    expect(await isKnownAfter(replication, UNCONFIRMED_AFTER_MS + STEP_MS)).toBe(true);
    expect(replication.state).toBe("refusing");
  },
);

test("it is known at once from a confirmed probe, or an asynchronous one", async () => {
  await open().untilKnown(START_TIMEOUT_MS);
  standing = ASYNCHRONOUS;
  await open().untilKnown(START_TIMEOUT_MS);
  expect(states).toEqual(["refusing"]);
});

test("a start ends in time when the primary does not answer", async () => {
  standing = "unknown";
  const failed = expect(open().untilKnown(START_TIMEOUT_MS)).rejects.toMatchObject({
    code: "unavailable",
  });
  await clock.advance(START_TIMEOUT_MS);
  await failed;
});
