import { expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { SyncStates } from "./listed-replicas.ts";
import { Replicas } from "./replicas.ts";

const NONE = { problem: undefined, standbys: undefined };

test("a probe begins with states that were just queried, unless it has newer ones", async () => {
  const row = { in_recovery: true, streaming: true, caught_up: true };
  const pool = { run: () => Promise.resolve([row]) } as unknown as Pool;
  const member = { name: "only", pool };
  const states = (queriedAt: number, ...pools: Pool[]): SyncStates => (
    { queriedAt, synchronous: new Set(pools), ...NONE, position: "0/1" }
  );
  const query = vi.fn(() => Promise.resolve(states(2)));
  const replicas = new Replicas({
    ...{ members: [member], listed: { query }, clock: new VirtualClock() },
    ...{ leaseMs: Infinity, onHealth: () => {} },
  });
  replicas.take(states(1, pool));
  await replicas.step();
  expect([replicas.healthy, query.mock.calls.length]).toEqual([[member], 0]);
  await replicas.step();
  replicas.take(states(1, pool));
  await replicas.step();
  expect([replicas.healthy, query.mock.calls.length]).toEqual([[], 2]);
});
