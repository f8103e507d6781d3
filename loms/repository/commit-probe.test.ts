import { beforeEach, expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { createCommitProbe } from "./commit-probe.ts";
import type { SyncStates } from "./listed-replicas.ts";

const SEEN: SyncStates = {
  queriedAt: 0,
  synchronous: new Set(),
  problem: undefined,
  standbys: "FIRST 1 (one)",
  position: "0/1",
};

let clock: VirtualClock;
const commit = vi.fn<() => Promise<never[]>>();
const onConfirmed = vi.fn<(states: SyncStates) => void>();
const query = vi.fn<() => Promise<SyncStates>>();

beforeEach(() => {
  clock = new VirtualClock();
  commit.mockReset().mockResolvedValue([]);
  onConfirmed.mockReset();
  query.mockReset().mockResolvedValue(SEEN);
});

function open(settleMs = 0) {
  const pool: StatementRunner = { run: commit };
  return createCommitProbe({
    probes: pool,
    reads: pool,
    listed: { query },
    clock,
    settleMs,
    onConfirmed,
  });
}

test("a commit that ended is confirmed if a listed replica is synchronous", async () => {
  const probe = open();
  expect(await probe.commit()).toBe("confirmed");
  expect(onConfirmed).toHaveBeenLastCalledWith(SEEN);
  query.mockResolvedValue({ ...SEEN, problem: "replica 1: async" });
  expect(await probe.commit()).toEqual({ asynchronous: "replica 1: async" });
});

test("a commit is unseen until commits have waited for the same standbys long enough", async () => {
  const probe = open(1_500);
  expect(await probe.commit()).toBe("unseen");
  clock.stall(1_000);
  const other = { ...SEEN, standbys: "FIRST 1 (two)" };
  query.mockResolvedValue(other);
  expect(await probe.commit()).toBe("unseen");
  clock.stall(1_499);
  expect(await probe.commit(), "counted from the change").toBe("unseen");
  expect(onConfirmed).not.toHaveBeenCalled();
  clock.stall(1);
  expect(await probe.commit()).toBe("confirmed");
  expect(onConfirmed).toHaveBeenLastCalledWith(other);
});

test("a commit that ended is unseen if the primary does not report the replicas", async () => {
  query.mockRejectedValue(new AppError("deadline_exceeded", "too slow"));
  expect(await open().commit()).toBe("unseen");
  expect(onConfirmed).not.toHaveBeenCalled();
});

test("a commit is unknown if the primary was lost, unconfirmed if it ended alone", async () => {
  commit.mockRejectedValue(
    new AppError("unavailable", "unavailable", { cause: { code: "ECONNREFUSED" } }),
  );
  expect(await open().commit()).toBe("unknown");
  commit.mockRejectedValue(new AppError("unavailable", "its wait was cancelled"));
  expect(await open().commit()).toBe("unconfirmed");
  expect(query).not.toHaveBeenCalled();
});
