import { beforeEach, expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { StatementRunner } from "../../shared/postgres/pool.ts";
import { createCommitProbe } from "./commit-probe.ts";
import type { SyncStates } from "./listed-replicas.ts";

const SEEN: SyncStates = { synchronous: new Set(), problem: undefined, standbys: "FIRST 1 (one)" };

const commit = vi.fn<() => Promise<never[]>>();
const look = vi.fn<() => Promise<SyncStates>>();

beforeEach(() => {
  commit.mockReset().mockResolvedValue([]);
  look.mockReset().mockResolvedValue(SEEN);
});

function open() {
  const pool: StatementRunner = { run: commit };
  return createCommitProbe({
    probes: pool,
    reads: pool,
    listed: { look },
    clock: new VirtualClock(),
  });
}

test("a commit that ended is confirmed when a listed replica is synchronous", async () => {
  const probe = open();
  expect(probe.standbys).toBeUndefined();
  expect(await probe.commit()).toBe("confirmed");
  expect(probe.standbys).toBe("FIRST 1 (one)");
  look.mockResolvedValue({ ...SEEN, problem: "replica 1: async" });
  expect(await probe.commit()).toEqual({ asynchronous: "replica 1: async" });
});

test("a commit that ended is unseen when the primary does not say which replicas are synchronous", async () => {
  const probe = open();
  await probe.commit();
  look.mockRejectedValue(new AppError("deadline_exceeded", "too slow"));
  expect(await probe.commit()).toBe("unseen");
  expect(probe.standbys, "as last seen").toBe("FIRST 1 (one)");
});

test("a commit that a lost primary did not answer is unknown, one that ended alone unconfirmed", async () => {
  commit.mockRejectedValue(
    new AppError("unavailable", "away", { cause: { code: "ECONNREFUSED" } }),
  );
  expect(await open().commit()).toBe("unknown");
  commit.mockRejectedValue(new AppError("unavailable", "its wait was cancelled"));
  expect(await open().commit()).toBe("unconfirmed");
  expect(look).not.toHaveBeenCalled();
});
