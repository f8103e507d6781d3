import { beforeEach, expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import type { ProbeOutcome } from "./commit-probe.ts";
import { Replication } from "./replication.ts";
import { UNCONFIRMED_AFTER_MS } from "./replication-doubts.ts";

const DEGRADE_AFTER_MS = 6_000;
const STEP_MS = 500;

let clock: VirtualClock;
/** Ends the probe that waits; without one, the next probe ends so at once. */
let answer: (outcome: ProbeOutcome) => void;
let standing: ProbeOutcome | undefined;
let states: string[];
/** What the last probe saw. */
let standbys: string | undefined;
const endWaits = vi.fn<() => Promise<void>>();

beforeEach(() => {
  clock = new VirtualClock();
  standing = "confirmed";
  states = [];
  standbys = undefined;
  endWaits.mockReset().mockResolvedValue();
});

function open(degradeAfterMs?: number): Replication {
  const probe = {
    commit: () =>
      standing ? Promise.resolve(standing) : new Promise<ProbeOutcome>((resolve) => {
        answer = resolve;
      }),
    endWaits,
    get standbys() {
      return standbys;
    },
  };
  return new Replication({
    probe,
    degradeAfterMs,
    clock,
    onState: (state) => states.push(state),
    onDegraded: () => {},
  });
}

/** The replica confirms nothing from now on. */
async function lose(replication: Replication, forMs: number): Promise<void> {
  standing = undefined;
  for (let waitedMs = 0; waitedMs < forMs; waitedMs += STEP_MS) {
    const step = replication.step();
    await clock.advance(STEP_MS);
    await step;
  }
}

async function step(replication: Replication, outcome: ProbeOutcome): Promise<void> {
  standing = outcome;
  await replication.step();
}

const write = (replication: Replication) =>
  replication.synchronously("order_create", () => Promise.resolve("done"));

test("writes go through while probes are confirmed", async () => {
  const replication = open();
  await replication.step();
  expect(await write(replication)).toBe("done");
  expect(replication.check()).toBeUndefined();
  expect(states).toEqual([]);
});

test("a probe that waits for a moment changes nothing", async () => {
  const replication = open();
  await lose(replication, UNCONFIRMED_AFTER_MS - STEP_MS);
  expect(await write(replication)).toBe("done");
  answer("confirmed");
  await replication.step();
  expect(states).toEqual([]);
});

test("once a probe has waited too long, writes are refused, and those under way are unknown", async () => {
  const replication = open();
  let isWanted = () => false;
  const underWay = replication.synchronously("order_pay", (isStillWanted) => {
    isWanted = isStillWanted;
    return new Promise(() => {});
  });
  expect(isWanted()).toBe(true);
  const told = expect(underWay).rejects.toMatchObject({ code: "unavailable" });
  await lose(replication, UNCONFIRMED_AFTER_MS);
  await told;
  expect(isWanted(), "one that waits for a connection is not sent any more").toBe(false);
  const send = vi.fn<() => Promise<string>>();
  await expect(replication.synchronously("order_create", send)).rejects.toMatchObject({
    code: "unavailable",
    message: "order_create is refused: the synchronous replica has confirmed no commit for 2 s",
    retryAfterMs: 1_000,
  });
  expect(send).not.toHaveBeenCalled();
  expect(() => replication.check()).toThrow("confirmed no commit for 2 s");
  expect(states).toEqual(["refusing"]);
});

test("a strict policy refuses until the probe is confirmed", async () => {
  const replication = open();
  await lose(replication, 60_000);
  expect(states).toEqual(["refusing"]);
  expect(endWaits).not.toHaveBeenCalled();
  answer("confirmed");
  await replication.step();
  expect(states).toEqual(["refusing", "synchronous"]);
  expect(await write(replication)).toBe("done");
});

test("a policy to degrade ends the waits after its time, again and again, and says so", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  await lose(replication, DEGRADE_AFTER_MS - STEP_MS);
  expect(states).toEqual(["refusing"]);
  await lose(replication, 2 * STEP_MS);
  expect(states).toEqual(["refusing", "degraded"]);
  expect(endWaits).toHaveBeenCalledTimes(2);
  expect(replication.check()).toBe(
    "writes are on the primary alone: the synchronous replica has confirmed no commit for 7 s",
  );
});

test("a wait that somebody ended confirms nothing", async () => {
  const replication = open();
  await lose(replication, UNCONFIRMED_AFTER_MS);
  answer("unconfirmed");
  await replication.step();
  expect(states).toEqual(["refusing"]);
});

test("a primary that does not answer says nothing of its replicas", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  standing = "unknown";
  for (let steps = 0; steps < 100; steps++) {
    await replication.step();
    clock.stall(STEP_MS);
  }
  expect(states).toEqual([]);
  await lose(replication, UNCONFIRMED_AFTER_MS);
  expect(states, "the time before does not count").toEqual(["refusing"]);
});

test("waits that cannot be ended leave writes refused", async () => {
  endWaits.mockRejectedValue(new Error("away"));
  const replication = open(DEGRADE_AFTER_MS);
  await lose(replication, 2 * DEGRADE_AFTER_MS);
  expect(states).toEqual(["refusing"]);
});

test("without degrading, replicas have every answered write at all times", async () => {
  const replication = open();
  expect(replication.replicasAreCurrent).toBe(true);
  await lose(replication, 10_000);
  expect(replication.replicasAreCurrent).toBe(true);
});

test("with degrading, a probe that began after the last local write makes replicas current", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  expect(replication.replicasAreCurrent, "others may have degraded before").toBe(false);
  await replication.step();
  expect(replication.replicasAreCurrent).toBe(true);
  await lose(replication, UNCONFIRMED_AFTER_MS);
  expect(replication.replicasAreCurrent).toBe(false);
  await lose(replication, DEGRADE_AFTER_MS);
  const slow = Promise.withResolvers<void>();
  const local = replication.locally(() => slow.promise);

  answer("confirmed");
  standing = "confirmed";
  await replication.step();
  expect(states).toEqual(["refusing", "degraded", "synchronous"]);
  expect(replication.replicasAreCurrent, "began while degraded").toBe(false);
  await replication.step();
  expect(replication.replicasAreCurrent, "a local write is under way").toBe(false);
  slow.resolve();
  await local;
  await replication.step();
  expect(replication.replicasAreCurrent).toBe(true);
});

test("close() ends the probing, also while a probe waits", async () => {
  const replication = open();
  standing = undefined;
  replication.start();
  await clock.advance(10_000);
  expect(states).toEqual(["refusing"]);
  const closed = replication.close();
  await clock.advance(STEP_MS);
  await closed;
  expect(clock.pending).toBe(0);
});

const ASYNCHRONOUS = { asynchronous: "no listed replica is synchronous (replica 1: async)" };

test("commits that end without a listed replica are refused at once, and say why", async () => {
  const replication = open();
  const underWay = replication.synchronously("order_pay", () => new Promise(() => {}));
  const told = expect(underWay).rejects.toMatchObject({ code: "unavailable" });
  await step(replication, ASYNCHRONOUS);
  await told;
  await expect(write(replication)).rejects.toMatchObject({
    message: "order_create is refused: no listed replica is synchronous (replica 1: async)",
  });
  expect(() => replication.check()).toThrow("no listed replica is synchronous");
  expect(states).toEqual(["refusing"]);
  await step(replication, "confirmed");
  expect(states).toEqual(["refusing", "synchronous"]);
  expect(await write(replication)).toBe("done");
});

test("degraded for want of a listed replica, writes wait for what the primary waits for", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  await step(replication, ASYNCHRONOUS);
  clock.stall(DEGRADE_AFTER_MS - STEP_MS);
  await step(replication, ASYNCHRONOUS);
  expect(states).toEqual(["refusing"]);
  clock.stall(STEP_MS);
  await step(replication, ASYNCHRONOUS);
  expect(states).toEqual(["refusing", "degraded"]);
  expect([replication.durability, await write(replication)]).toEqual(["remote_apply", "done"]);
  expect(endWaits).not.toHaveBeenCalled();
  expect(replication.check()).toBe(
    "writes go on without a synchronous replica: no listed replica is synchronous (replica 1: async)",
  );
});

test("degraded writes that begin to hang are ended, and later ones wait for no replica", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  await step(replication, ASYNCHRONOUS);
  clock.stall(DEGRADE_AFTER_MS);
  await step(replication, ASYNCHRONOUS);
  const underWay = replication.synchronously("order_pay", () => new Promise(() => {}));
  const told = expect(underWay).rejects.toMatchObject({ code: "unavailable" });
  await lose(replication, UNCONFIRMED_AFTER_MS - STEP_MS);
  expect([replication.state, endWaits.mock.calls.length]).toEqual(["degraded", 0]);
  await lose(replication, STEP_MS);
  await told;
  expect([replication.durability, endWaits.mock.calls.length]).toEqual(["local", 1]);
  answer("unconfirmed");
  await step(replication, "confirmed");
  await step(replication, ASYNCHRONOUS);
  expect(replication.durability).toBe("remote_apply");
});

test("a write that ended under other synchronous_standby_names than the probe saw is unknown", () => {
  const replication = open();
  standbys = "FIRST 1 (replica1)";
  replication.assertWaitedFor("FIRST 1 (replica1)", "order_create");
  expect(() => replication.assertWaitedFor("", "order_create")).toThrow(
    "the outcome of order_create is unknown: synchronous_standby_names is '' now",
  );
  standbys = undefined;
  expect(() => replication.assertWaitedFor("", "order_create"), "none was seen yet").toThrow(
    "the outcome of order_create is unknown",
  );
});

test("slow commits do not excuse looks that are not answered", async () => {
  const replication = open();
  for (let probes = 0; probes < 2; probes++) {
    await lose(replication, STEP_MS);
    answer("unseen");
    await step(replication, "unseen");
    clock.stall(STEP_MS);
  }
  await step(replication, "unseen");
  expect(states).toEqual(["refusing"]);
});

test("a primary that is away while writes are refused changes neither the reason nor the clock", async () => {
  const replication = open(DEGRADE_AFTER_MS);
  await lose(replication, UNCONFIRMED_AFTER_MS);
  answer("unknown");
  await replication.step();
  clock.stall(DEGRADE_AFTER_MS - UNCONFIRMED_AFTER_MS);
  await step(replication, "unknown");
  expect(() => replication.check()).toThrow("confirmed no commit for 6 s");
  expect(states).toEqual(["refusing"]);
  await lose(replication, STEP_MS);
  expect(states).toEqual(["refusing", "degraded"]);

  const other = open(DEGRADE_AFTER_MS);
  await step(other, ASYNCHRONOUS);
  await step(other, "unknown");
  expect(() => other.check()).toThrow("no listed replica is synchronous (replica 1: async)");
});
