import type { Clock } from "../../shared/async/request-context.ts";
import { toAppError } from "../../shared/errors.ts";
import { isConnectionError } from "../../shared/postgres/database-error.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import type { ListedReplicas, SyncStates } from "./listed-replicas.ts";
import { COMMIT_PROBE, END_WAITS } from "./statements.ts";

/** The name of probing sessions; {@link CommitProbe.endWaits} does not end their waits. */
export const PROBE_APPLICATION_NAME = "loms_probe";
/** A probe waits for its replica without a limit: only a lost connection ends it. */
const PROBE_TIMEOUT_MS = 24 * 60 * 60_000;
const END_WAITS_TIMEOUT_MS = 1_000;

/**
 * "confirmed": every synchronous replica has applied it, and a listed one is synchronous.
 * "unconfirmed": it ended without them. "unseen": it ended, but the primary did not report in time
 * which replicas are synchronous, or this has just changed. "unknown": the primary did not answer
 * the commit.
 */
export type ProbeOutcome =
  | "confirmed"
  | "unconfirmed"
  | "unseen"
  | "unknown"
  | AsynchronousCommit;

/** The commit ended, and it waited for none of the listed replicas. */
export interface AsynchronousCommit {
  /** The reason, as text. */
  readonly asynchronous: string;
}

/** The commands of {@link Replication} to the primary. */
export interface CommitProbe {
  /** Commits once and waits without a limit; never rejects. */
  commit(): Promise<ProbeOutcome>;
  /**
   * Ends the waits of all commits for a replica. They stay on the primary only, and their callers
   * receive an unknown outcome.
   * @throws {AppError} if the primary does not answer
   */
  endWaits(): Promise<void>;
}

export interface CommitProbeOptions {
  /** One connection to the primary, named {@link PROBE_APPLICATION_NAME}. */
  readonly probes: StatementRunner;
  /** A pool of the primary that is never busy with commits. */
  readonly reads: StatementRunner;
  readonly listed: Pick<ListedReplicas, "query">;
  readonly clock: Clock;
  /** How long commits must have waited for the same standbys before one is confirmed, in ms. */
  readonly settleMs: number;
  /** Called with the states that confirm a commit, before its outcome is returned. */
  readonly onConfirmed: (states: SyncStates) => void;
}

export function createCommitProbe(
  { probes, reads, listed, clock, settleMs, onConfirmed }: CommitProbeOptions,
): CommitProbe {
  let seen: { readonly standbys: string | undefined; readonly since: number } | undefined;
  const contextOf = (timeoutMs: number) => backgroundContext(timeoutMs, clock);
  return {
    async commit() {
      try {
        await probes.run(COMMIT_PROBE, [], contextOf(PROBE_TIMEOUT_MS));
      } catch (error) {
        const refused = isConnectionError(error) || toAppError(error).code === "internal";
        return refused ? "unknown" : "unconfirmed";
      }
      try {
        // After the commit: its wait ends at once if the primary stops waiting for replicas.
        const states = await listed.query();
        const { problem, standbys } = states;
        if (!seen || seen.standbys !== standbys) seen = { standbys, since: clock.now() };
        if (problem !== undefined) return { asynchronous: problem };
        if (clock.now() - seen.since < settleMs) return "unseen";
        onConfirmed(states);
        return "confirmed";
      } catch {
        return "unseen";
      }
    },
    async endWaits() {
      await reads.run(END_WAITS, [PROBE_APPLICATION_NAME], contextOf(END_WAITS_TIMEOUT_MS));
    },
  };
}
