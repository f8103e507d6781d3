import type { Clock } from "../../shared/async/clock.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { toAppError } from "../../shared/errors.ts";
import { isConnectionError } from "../../shared/postgres/database-error.ts";
import type { StatementRunner } from "../../shared/postgres/pool.ts";
import { childTraceparent } from "../../shared/telemetry/traceparent.ts";
import type { ListedReplicas } from "./listed-replicas.ts";
import { COMMIT_PROBE, END_WAITS } from "./statements.ts";

/** Sessions by this name probe; {@link CommitProbe.endWaits} leaves them waiting. */
export const PROBE_APPLICATION_NAME = "loms_probe";
/** A commit waits for its replica for ever, and a probe with it: only a dead connection ends one. */
const PROBE_TIMEOUT_MS = 24 * 60 * 60_000;
const END_WAITS_TIMEOUT_MS = 1_000;

/**
 * "confirmed": every synchronous replica has applied it, and a listed one is synchronous.
 * "unconfirmed": it ended without them. "unseen": it ended, and the primary did not say in time
 * which replicas are synchronous. "unknown": the primary did not answer the commit itself.
 */
export type ProbeOutcome =
  | "confirmed"
  | "unconfirmed"
  | "unseen"
  | "unknown"
  | AsynchronousCommit;

/** The commit ended, and no listed replica is one that it had to wait for. */
export interface AsynchronousCommit {
  /** Why, in words. */
  readonly asynchronous: string;
}

/** What {@link Replication} asks of the primary. */
export interface CommitProbe {
  /** `synchronous_standby_names` as last seen; undefined before, and when no replica is listed. */
  readonly standbys?: string | undefined;
  /** Commits once and waits for as long as that takes; never rejects. */
  commit(): Promise<ProbeOutcome>;
  /**
   * Ends the waits of all commits for a replica: they stay on the primary alone, and their
   * callers get the answer that the outcome is unknown.
   * @throws {AppError} when the primary does not answer
   */
  endWaits(): Promise<void>;
}

export interface CommitProbeOptions {
  /** Of the primary, one connection, named {@link PROBE_APPLICATION_NAME}. */
  readonly probes: StatementRunner;
  /** Of the primary, never busy with commits. */
  readonly reads: StatementRunner;
  readonly listed: Pick<ListedReplicas, "look">;
  readonly clock: Clock;
}

export function createCommitProbe(
  { probes, reads, listed, clock }: CommitProbeOptions,
): CommitProbe {
  const contextOf = (timeoutMs: number) =>
    new RequestContext({ traceparent: childTraceparent(undefined), timeoutMs, clock });
  let standbys: string | undefined;
  return {
    get standbys() {
      return standbys;
    },
    async commit() {
      try {
        await probes.run(COMMIT_PROBE, [], contextOf(PROBE_TIMEOUT_MS));
      } catch (error) {
        const refused = isConnectionError(error) || toAppError(error).code === "internal";
        return refused ? "unknown" : "unconfirmed";
      }
      try {
        // After the commit: one that waited ends at once when the primary stops waiting for replicas.
        const seen = await listed.look();
        const { problem } = seen;
        standbys = seen.standbys;
        return problem === undefined ? "confirmed" : { asynchronous: problem };
      } catch {
        return "unseen";
      }
    },
    async endWaits() {
      await reads.run(END_WAITS, [PROBE_APPLICATION_NAME], contextOf(END_WAITS_TIMEOUT_MS));
    },
  };
}
