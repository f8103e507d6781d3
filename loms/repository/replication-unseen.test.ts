import { expect, test } from "vitest";
import type { ProbeOutcome } from "./commit-probe.ts";
import { ASYNCHRONOUS, DEGRADE_AFTER_MS, openReplication, STEP_MS } from "./replication-fixture.ts";
import { UNCONFIRMED_AFTER_MS } from "./replication-doubts.ts";

type Opened = ReturnType<typeof openReplication>;

/** Every probe ends with this outcome. */
async function stepFor({ clock, step }: Opened, outcome: ProbeOutcome, forMs: number) {
  for (let passedMs = 0; passedMs < forMs; passedMs += STEP_MS) {
    await step(outcome);
    clock.stall(STEP_MS);
  }
}

test("degraded writes end, whatever commits wait for", async () => {
  const opened = openReplication(DEGRADE_AFTER_MS);
  const { replication, primary, probe, send, write } = opened;
  await stepFor(opened, "unseen", DEGRADE_AFTER_MS + STEP_MS);
  primary.standbys = "";
  await write();
  expect([replication.state, send.mock.lastCall?.[0]]).toEqual(["degraded", "remote_apply"]);
  expect(probe.endWaits).not.toHaveBeenCalled();
});

test("writes are refused after many unanswered queries of the states, not after one", async () => {
  const opened = openReplication();
  const { states, step, write } = opened;
  await stepFor(opened, "unseen", UNCONFIRMED_AFTER_MS);
  await write();
  await stepFor(opened, "confirmed", STEP_MS);
  await stepFor(opened, "unseen", UNCONFIRMED_AFTER_MS);
  expect(states, "counted from the last confirmed probe").toEqual([]);
  await step("unseen");
  await expect(write()).rejects.toMatchObject({
    code: "unavailable",
    message: "order_create is refused: " +
      "the primary does not report in time which replicas are synchronous",
  });
  await step("confirmed");
  expect(states).toEqual(["refusing", "synchronous"]);
});

const START_TIMEOUT_MS = 10_000;

/** Opens replication in which every probe has this outcome, or hangs. */
function openWith(outcome: ProbeOutcome | "hanging"): Opened {
  const opened = openReplication();
  opened.probe.outcome = outcome === "hanging" ? undefined : outcome;
  return opened;
}

/** Whether the start has ended after that time. */
async function isKnownAfter({ clock, replication }: Opened, forMs: number): Promise<boolean> {
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
  "a first probe that is %s does not show what commits wait for",
  async (outcome) => {
    expect(await isKnownAfter(openWith(outcome), STEP_MS)).toBe(false);
  },
);

test.each(["unseen", "unconfirmed", "hanging"] as const)(
  "writes are refused once all probes were %s for too long",
  async (outcome) => {
    const opened = openWith(outcome);
    expect(await isKnownAfter(opened, UNCONFIRMED_AFTER_MS + STEP_MS)).toBe(true);
    expect(opened.replication.state).toBe("refusing");
  },
);

test("one confirmed or asynchronous probe shows what commits wait for", async () => {
  await openWith("confirmed").replication.untilKnown(START_TIMEOUT_MS);
  const { replication, states } = openWith(ASYNCHRONOUS);
  await replication.untilKnown(START_TIMEOUT_MS);
  expect(states).toEqual(["refusing"]);
});

test("a start fails in time if the primary does not answer", async () => {
  const { clock, replication } = openWith("unknown");
  const failed = expect(replication.untilKnown(START_TIMEOUT_MS)).rejects.toMatchObject({
    code: "unavailable",
  });
  await clock.advance(START_TIMEOUT_MS);
  await failed;
});
