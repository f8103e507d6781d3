import { vi } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import {
  defineStatement,
  type RunOptions,
  type StatementRunner,
} from "../../shared/postgres/statement.ts";
import type { ProbeOutcome } from "./commit-probe.ts";
import { ReplicatedWrites } from "./replicated-writes.ts";
import { Replication } from "./replication.ts";

export const STEP_MS = 500;
export const DEGRADE_AFTER_MS = 6_000;
export const ASYNCHRONOUS = {
  asynchronous: "no listed replica is synchronous (replica 1: async)",
};
const WRITE = defineStatement({
  name: "order_create",
  kind: "insert",
  text: "",
  parameters: ["text"],
  columns: {},
});

type Run = (durability: unknown, isWanted?: () => boolean) => Promise<unknown>;

/** Replication over a fake primary, with a clock of the test. */
export function openReplication(degradeAfterMs?: number) {
  const clock = new VirtualClock();
  const states: string[] = [];
  const probe = {
    /** The outcome of each probe; undefined waits until `end` is called. */
    outcome: "confirmed" as ProbeOutcome | undefined,
    end: (_outcome: ProbeOutcome): void => {},
    endWaits: vi.fn<() => Promise<void>>(() => Promise.resolve()),
  };
  /** Runs a write on the fake primary. */
  const send = vi.fn<Run>(() => Promise.resolve([]));
  /** What commits wait for after this commit. */
  const primary = { standbys: "FIRST 1 (replica1)" };
  const pool = {
    run: (
      _statement: unknown,
      [durability]: readonly unknown[],
      _context: unknown,
      options?: RunOptions,
    ) => send(durability, options?.isWanted),
  } as unknown as StatementRunner;
  const standbys = {
    run: () => Promise.resolve([{ standbys: primary.standbys }]),
  } as unknown as StatementRunner;
  const writes = new ReplicatedWrites({ synchronous: pool, local: pool, standbys, clock });
  writes.seenStandbys = primary.standbys;
  const replication = new Replication({
    probe: {
      commit: () =>
        probe.outcome
          ? Promise.resolve(probe.outcome)
          : new Promise<ProbeOutcome>((resolve) => probe.end = resolve),
      endWaits: probe.endWaits,
    },
    writes,
    degradeAfterMs,
    clock,
    onState: (state) => states.push(state),
    onDegraded: () => {},
  });
  return {
    ...{ clock, states, probe, send, primary, writes, replication },
    /** Steps once, with this outcome of the probe. */
    async step(outcome: ProbeOutcome): Promise<void> {
      probe.outcome = outcome;
      await replication.step();
    },
    /** Steps for that time; no probe ends. */
    async lose(forMs: number): Promise<void> {
      probe.outcome = undefined;
      for (let waitedMs = 0; waitedMs < forMs; waitedMs += STEP_MS) {
        const step = replication.step();
        await clock.advance(STEP_MS);
        await step;
      }
    },
    async write(): Promise<void> {
      const context = new RequestContext({ traceparent: "", timeoutMs: 60_000, clock });
      await writes.run(WRITE, [], context);
    },
  };
}
