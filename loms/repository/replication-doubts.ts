import type { Clock } from "../../shared/async/clock.ts";
import type { ProbeOutcome } from "./commit-probe.ts";

/**
 * A commit takes milliseconds; one that waits this long has no replica, or one that stands still.
 * So long may the primary also not say which replicas are synchronous: one slow answer proves nothing.
 */
export const UNCONFIRMED_AFTER_MS = 2_000;

/** What says nothing for the replicas; "waiting" is a probe that has not ended. */
export type DoubtfulOutcome = "waiting" | Exclude<ProbeOutcome, "confirmed" | "unknown">;

/** What speaks against the synchronous replicas since the last confirmed probe. */
export class ReplicationDoubts {
  readonly #clock: Clock;
  /** When the first probe began that no confirmed one has followed. */
  #unconfirmedSince: number | undefined;
  /** When the first probe began since which each has waited, or ended without the replicas. */
  #hangingSince: number | undefined;
  /** Why commits do not wait for a listed replica, as last seen. */
  #asynchronous: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Of a probe that began at `startedAt`. */
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

  /** How long no probe was confirmed, whatever the reasons: they may alternate. */
  get unconfirmedMs(): number {
    return this.#since(this.#unconfirmedSince);
  }

  /** Whether writes are to be refused. */
  get suffice(): boolean {
    return this.#asynchronous !== undefined || this.unconfirmedMs >= UNCONFIRMED_AFTER_MS;
  }

  /** Whether the last commits hang, though not yet for long. */
  get mayHang(): boolean {
    return this.#hangingSince !== undefined && !this.hang;
  }

  /** Whether commits have hung for so long that no replica is to be expected. */
  get hang(): boolean {
    return this.#since(this.#hangingSince) >= UNCONFIRMED_AFTER_MS;
  }

  /** In words. */
  get problem(): string {
    const unseen = "the primary does not say in time which replicas are synchronous";
    if (!this.hang) return this.#asynchronous ?? unseen;
    const seconds = Math.round(this.unconfirmedMs / 1_000);
    return `the synchronous replica has confirmed no commit for ${seconds} s`;
  }

  #since(moment: number | undefined): number {
    const now = this.#clock.now();
    return now - (moment ?? now);
  }
}
