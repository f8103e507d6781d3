import type { Clock } from "../../shared/async/request-context.ts";
import type { ProbeOutcome } from "./commit-probe.ts";

/**
 * A commit takes milliseconds; one that waits this long has no replica, or a hanging one. The
 * primary may fail to report which replicas are synchronous for as long: one slow response proves
 * nothing.
 */
export const UNCONFIRMED_AFTER_MS = 2_000;

/** Every outcome except success; "waiting" is a probe in progress. */
export type DoubtfulOutcome = "waiting" | Exclude<ProbeOutcome, "confirmed" | "unknown">;

/** The evidence against the synchronous replicas since the last confirmed probe. */
export class ReplicationDoubts {
  readonly #clock: Clock;
  /** Start of the first probe after the last confirmed one. */
  #unconfirmedSince: number | undefined;
  /** Start of the first of the latest probes that all waited, or ended without the replicas. */
  #hangingSince: number | undefined;
  /** Why commits do not wait for a listed replica, as last reported. */
  #asynchronous: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds the outcome of a probe that started at `startedAt`. */
  add(outcome: DoubtfulOutcome, startedAt: number): void {
    this.#unconfirmedSince ??= startedAt;
    if (outcome === "waiting" || outcome === "unconfirmed") {
      this.#hangingSince ??= startedAt;
      return;
    }
    this.#hangingSince = undefined;
    this.#asynchronous = outcome === "unseen" ? undefined : outcome.asynchronous;
  }

  forget(): void {
    this.#unconfirmedSince = undefined;
    this.#hangingSince = undefined;
    this.#asynchronous = undefined;
  }

  /** Time without a confirmed probe, for any reasons, which may alternate. */
  get unconfirmedMs(): number {
    return this.#since(this.#unconfirmedSince);
  }

  /** Whether to refuse writes. */
  get suffice(): boolean {
    return this.#asynchronous !== undefined || this.unconfirmedMs >= UNCONFIRMED_AFTER_MS;
  }

  /** Whether the last commits wait, but not for long. */
  get mayHang(): boolean {
    return this.#hangingSince !== undefined && !this.hang;
  }

  /** Whether commits have waited so long that no replica will confirm them. */
  get hang(): boolean {
    return this.#since(this.#hangingSince) >= UNCONFIRMED_AFTER_MS;
  }

  /** The reason, as text. */
  get problem(): string {
    const unseen = "the primary does not report in time which replicas are synchronous";
    if (!this.hang) return this.#asynchronous ?? unseen;
    const seconds = Math.round(this.unconfirmedMs / 1_000);
    return `the synchronous replica has confirmed no commit for ${seconds} s`;
  }

  #since(moment: number | undefined): number {
    const now = this.#clock.now();
    return now - (moment ?? now);
  }
}
