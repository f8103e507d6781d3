import { expect, test } from "vitest";
import { ASYNCHRONOUS, DEGRADE_AFTER_MS, openReplication, STEP_MS } from "./replication-fixture.ts";
import { UNCONFIRMED_AFTER_MS } from "./replication-doubts.ts";

const never = () => new Promise<never>(() => {});

test("writes pass while probes are confirmed", async () => {
  const { replication, states, write } = openReplication();
  await replication.step();
  await write();
  expect(replication.check()).toBeUndefined();
  expect(states).toEqual([]);
});

test("a probe that waits briefly changes nothing", async () => {
  const { replication, states, probe, lose, write } = openReplication();
  await lose(UNCONFIRMED_AFTER_MS - STEP_MS);
  await write();
  probe.end("confirmed");
  await replication.step();
  expect(states).toEqual([]);
});

test("when a probe waits too long, writes are refused or their outcome is unknown", async () => {
  const { replication, states, send, lose, write } = openReplication();
  let isWanted: (() => boolean) | undefined;
  send.mockImplementationOnce((_durability, isStillWanted) => {
    isWanted = isStillWanted;
    return never();
  });
  const rejected = expect(write()).rejects.toMatchObject({ code: "unavailable" });
  expect(isWanted?.()).toBe(true);
  await lose(UNCONFIRMED_AFTER_MS);
  await rejected;
  expect(isWanted?.(), "a write that waits for a connection is not sent any more").toBe(false);
  await expect(write()).rejects.toMatchObject({
    code: "unavailable",
    message: "order_create is refused: the synchronous replica has confirmed no commit for 2 s",
    retryAfterMs: 1_000,
  });
  expect(send).toHaveBeenCalledOnce();
  expect(() => replication.check()).toThrow("confirmed no commit for 2 s");
  expect(states).toEqual(["refusing"]);
});

test("the strict policy refuses until a probe is confirmed", async () => {
  const { replication, states, probe, lose, write } = openReplication();
  await lose(60_000);
  expect(states).toEqual(["refusing"]);
  expect(probe.endWaits).not.toHaveBeenCalled();
  probe.end("confirmed");
  await replication.step();
  expect(states).toEqual(["refusing", "synchronous"]);
  await write();
});

test("the degrading policy ends the waits after its time, at every step, and warns", async () => {
  const { replication, states, probe, lose } = openReplication(DEGRADE_AFTER_MS);
  await lose(DEGRADE_AFTER_MS - STEP_MS);
  expect(states).toEqual(["refusing"]);
  await lose(2 * STEP_MS);
  expect(states).toEqual(["refusing", "degraded"]);
  expect(probe.endWaits).toHaveBeenCalledTimes(2);
  expect(replication.check()).toBe(
    "writes are on the primary alone: the synchronous replica has confirmed no commit for 7 s",
  );
});

test("a cancelled wait confirms nothing", async () => {
  const { replication, states, probe, lose } = openReplication();
  await lose(UNCONFIRMED_AFTER_MS);
  probe.end("unconfirmed");
  await replication.step();
  expect(states).toEqual(["refusing"]);
});

test("an unavailable primary is no evidence about its replicas", async () => {
  const { clock, states, step, lose } = openReplication(DEGRADE_AFTER_MS);
  for (let steps = 0; steps < 100; steps++) {
    await step("unknown");
    clock.stall(STEP_MS);
  }
  expect(states).toEqual([]);
  await lose(UNCONFIRMED_AFTER_MS);
  expect(states, "the time before does not count").toEqual(["refusing"]);
});

test("writes stay refused if the waits cannot be ended", async () => {
  const { states, probe, lose } = openReplication(DEGRADE_AFTER_MS);
  probe.endWaits.mockRejectedValue(new Error("unavailable"));
  await lose(2 * DEGRADE_AFTER_MS);
  expect(states).toEqual(["refusing"]);
});

test("without degrading, replicas always have every acknowledged write", async () => {
  const { replication, lose } = openReplication();
  expect(replication.replicasAreCurrent).toBe(true);
  await lose(10_000);
  expect(replication.replicasAreCurrent).toBe(true);
});

test("with degrading, a probe after the last local write makes replicas current", async () => {
  const { replication, states, probe, send, lose, step, write } = openReplication(
    DEGRADE_AFTER_MS,
  );
  expect(replication.replicasAreCurrent, "others may have degraded before").toBe(false);
  await replication.step();
  expect(replication.replicasAreCurrent).toBe(true);
  await lose(UNCONFIRMED_AFTER_MS);
  expect(replication.replicasAreCurrent).toBe(false);
  await lose(DEGRADE_AFTER_MS);
  const slow = Promise.withResolvers<void>();
  send.mockReturnValueOnce(slow.promise);
  const local = write();
  expect(send).toHaveBeenLastCalledWith("local", undefined);

  probe.end("confirmed");
  await step("confirmed");
  expect(states).toEqual(["refusing", "degraded", "synchronous"]);
  expect(replication.replicasAreCurrent, "began while degraded").toBe(false);
  await step("confirmed");
  expect(replication.replicasAreCurrent, "a local write is in progress").toBe(false);
  slow.resolve();
  await local;
  await step("confirmed");
  expect(replication.replicasAreCurrent).toBe(true);
});

test("close() ends the probes, also while one waits", async () => {
  const { clock, replication, states, probe } = openReplication();
  probe.outcome = undefined;
  replication.start();
  await clock.advance(10_000);
  expect(states).toEqual(["refusing"]);
  const closed = replication.close();
  await clock.advance(STEP_MS);
  await closed;
  expect(clock.pending).toBe(0);
});

test("while commits end without a listed replica, writes are refused", async () => {
  const { replication, states, send, step, write } = openReplication();
  send.mockImplementationOnce(never);
  const rejected = expect(write()).rejects.toMatchObject({ code: "unavailable" });
  await step(ASYNCHRONOUS);
  await rejected;
  await expect(write()).rejects.toMatchObject({
    message: "order_create is refused: no listed replica is synchronous (replica 1: async)",
  });
  expect(() => replication.check()).toThrow("no listed replica is synchronous");
  expect(states).toEqual(["refusing"]);
  await step("confirmed");
  expect(states).toEqual(["refusing", "synchronous"]);
  await write();
});

test("degraded without a listed replica, writes wait for what the primary waits for", async () => {
  const { clock, replication, states, probe, send, step, write } = openReplication(
    DEGRADE_AFTER_MS,
  );
  await step(ASYNCHRONOUS);
  clock.stall(DEGRADE_AFTER_MS - STEP_MS);
  await step(ASYNCHRONOUS);
  expect(states).toEqual(["refusing"]);
  clock.stall(STEP_MS);
  await step(ASYNCHRONOUS);
  expect(states).toEqual(["refusing", "degraded"]);
  await write();
  expect(send).toHaveBeenLastCalledWith("remote_apply", expect.anything());
  expect(probe.endWaits).not.toHaveBeenCalled();
  expect(replication.check()).toBe(
    "writes continue without a synchronous replica: " +
      "no listed replica is synchronous (replica 1: async)",
  );
});

test("degraded writes that hang are ended, and later ones do not wait for replicas", async () => {
  const { clock, replication, probe, send, step, lose, write } = openReplication(
    DEGRADE_AFTER_MS,
  );
  await step(ASYNCHRONOUS);
  clock.stall(DEGRADE_AFTER_MS);
  await step(ASYNCHRONOUS);
  send.mockImplementationOnce(never);
  const rejected = expect(write()).rejects.toMatchObject({ code: "unavailable" });
  await lose(UNCONFIRMED_AFTER_MS - STEP_MS);
  expect([replication.state, probe.endWaits.mock.calls.length]).toEqual(["degraded", 0]);
  await lose(STEP_MS);
  await rejected;
  expect(probe.endWaits).toHaveBeenCalledOnce();
  await write();
  expect(send.mock.lastCall?.[0]).toBe("local");
  probe.end("unconfirmed");
  await step("confirmed");
  await step(ASYNCHRONOUS);
  await write();
  expect(send.mock.lastCall?.[0]).toBe("remote_apply");
});

test("the outcome of a write is unknown if commits then wait for something else", async () => {
  const { primary, writes, write } = openReplication();
  await write();
  primary.standbys = "''";
  const unknown = "the outcome of order_create is unknown";
  await expect(write()).rejects.toThrow(`${unknown}: what commits wait for has changed to ''`);
  writes.seenStandbys = undefined;
  await expect(write(), "no probe has seen them yet").rejects.toThrow(unknown);
});

test("slow commits do not excuse replica states that the primary does not report", async () => {
  const { clock, states, probe, step, lose } = openReplication();
  for (let probes = 0; probes < 2; probes++) {
    await lose(STEP_MS);
    probe.end("unseen");
    await step("unseen");
    clock.stall(STEP_MS);
  }
  await step("unseen");
  expect(states).toEqual(["refusing"]);
});

test("an unavailable primary changes neither the reason nor the time of a refusal", async () => {
  const { clock, replication, states, probe, step, lose } = openReplication(DEGRADE_AFTER_MS);
  await lose(UNCONFIRMED_AFTER_MS);
  probe.end("unknown");
  await replication.step();
  clock.stall(DEGRADE_AFTER_MS - UNCONFIRMED_AFTER_MS);
  await step("unknown");
  expect(() => replication.check()).toThrow("confirmed no commit for 6 s");
  expect(states).toEqual(["refusing"]);
  await lose(STEP_MS);
  expect(states).toEqual(["refusing", "degraded"]);

  const other = openReplication(DEGRADE_AFTER_MS);
  await other.step(ASYNCHRONOUS);
  await other.step("unknown");
  expect(() => other.replication.check())
    .toThrow("no listed replica is synchronous (replica 1: async)");
});
