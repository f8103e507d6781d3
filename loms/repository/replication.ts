import { Loop } from "../../shared/async/loop.ts";
import { type Clock, sleep, within } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Durability } from "../../shared/postgres/statement.ts";
import type { CommitProbe, ProbeOutcome } from "./commit-probe.ts";
import { type ReplicatedWrites, RETRY_AFTER_MS } from "./replicated-writes.ts";
import { ReplicationDoubts } from "./replication-doubts.ts";

// Commits probes to detect whether commits reach the synchronous replicas: one after another, never
// two concurrently, because a commit that waits for a lost replica waits until it is back.
//
//   synchronous  writes wait for the replicas
//   refusing     no probe was confirmed for too long, or no listed replica is synchronous: new
//                writes are refused, and the outcome of those in progress is reported as unknown;
//                otherwise they would all queue behind commits that hold row locks
//   degraded     later still, if the policy is to degrade. Where commits hang, their waits are
//                ended, which leaves them on the primary alone, and new writes do not wait; where
//                commits end without a listed replica, new writes wait for what the primary waits
//                for
//
// A confirmed probe leads back to synchronous: the replicas have then applied everything committed
// before it, and writes wait for the rest. Nothing of this is stored: a process that dies leaves no
// degraded server behind, and each process detects the state separately.
//
// docs/replicas.md has a table of the files about replication.

/** Between probes, and between checks of a waiting probe. */
const STEP_MS = 500;

export type ReplicationState = "synchronous" | "refusing" | "degraded";

export interface ReplicationOptions {
  readonly probe: CommitProbe;
  /** The writes that it controls. */
  readonly writes: Pick<
    ReplicatedWrites,
    "admission" | "localWrites" | "onOtherStandbys" | "rejectWaiting"
  >;
  /** How long commits may stay unconfirmed before they stop waiting, in ms; undefined: forever. */
  readonly degradeAfterMs: number | undefined;
  readonly clock: Clock;
  /** Called at each change, with the reason if writes are not synchronous. */
  readonly onState: (state: ReplicationState, problem: string | undefined) => void;
  /** Called at every step while writes are accepted without a synchronous replica. */
  readonly onDegraded: () => void;
}

interface Probing {
  readonly startedAt: number;
  readonly outcome: Promise<ProbeOutcome>;
  /** Whether it began after every local write had ended. */
  readonly afterLocalWrites: boolean;
}

/** Decides how writes are committed; `synchronous` before the first step. */
export class Replication {
  readonly #options: ReplicationOptions;
  readonly #loop: Loop;
  #state: ReplicationState = "synchronous";
  #probing: Probing | undefined;
  readonly #doubts: ReplicationDoubts;
  #wasConfirmed = false;
  #replicasAreCurrent: boolean;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#doubts = new ReplicationDoubts(options.clock);
    this.#replicasAreCurrent = options.degradeAfterMs === undefined;
    this.#loop = new Loop({
      clock: options.clock,
      step: async () => {
        await this.step();
        // A step with a waiting probe has already taken its time.
        return this.#probing ? 0 : STEP_MS;
      },
      onError: () => {},
      backoffMs: STEP_MS,
    });
    options.writes.onOtherStandbys = () => this.#loop.wake();
  }

  get state(): ReplicationState {
    return this.#state;
  }

  /**
   * Whether a synchronous replica that follows has every acknowledged write. Without degrading this
   * is always true. With it, another process may acknowledge writes without the replicas while this
   * one still refuses, so it is false from the first doubt until a later probe is confirmed.
   */
  get replicasAreCurrent(): boolean {
    return this.#replicasAreCurrent;
  }

  start(): void {
    this.#loop.start();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  /**
   * Steps until a probe was confirmed or writes are refused. No write may be admitted before.
   * @throws {AppError} `unavailable` if the primary has not answered for `timeoutMs`
   */
  async untilKnown(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const endsAt = clock.now() + timeoutMs;
    for (;;) {
      await this.step();
      if (this.#wasConfirmed || this.#state !== "synchronous") return;
      if (clock.now() >= endsAt) throw new AppError("unavailable", "the primary does not answer");
      if (!this.#probing) await sleep(clock, STEP_MS);
    }
  }

  /**
   * The readiness check; returns a warning while writes are degraded.
   * @throws {AppError} `unavailable` while writes are refused
   */
  check(): string | undefined {
    switch (this.#state) {
      case "synchronous":
        return undefined;
      case "refusing":
        throw this.#refusal("writes are refused");
      case "degraded":
        return `${this.#degradedTo()}: ${this.#doubts.problem}`;
    }
  }

  /** Waits for the probe, at most about 500 ms; never rejects. */
  async step(): Promise<void> {
    const probing = this.#probing ??= this.#begin();
    const outcome = await within(
      this.#options.clock,
      STEP_MS,
      probing.outcome,
      () => "waiting" as const,
    );
    if (outcome !== "waiting") this.#probing = undefined;
    if (outcome === "confirmed") return this.#confirm(probing);
    if (outcome === "unknown") {
      // An unavailable primary is no evidence about its replicas; an earlier reason stays.
      if (this.#state === "synchronous") this.#doubts.forget();
      return;
    }
    this.#doubts.add(outcome, probing.startedAt);
    await this.#doubt();
  }

  #begin(): Probing {
    return {
      startedAt: this.#options.clock.now(),
      outcome: this.#options.probe.commit(),
      afterLocalWrites: this.#state === "synchronous" && this.#options.writes.localWrites === 0,
    };
  }

  #confirm({ afterLocalWrites }: Probing): void {
    this.#doubts.forget();
    this.#wasConfirmed = true;
    // A probe during which doubts arose began before the local writes.
    if (afterLocalWrites && this.#state === "synchronous") this.#replicasAreCurrent = true;
    this.#enter("synchronous");
  }

  async #doubt(): Promise<void> {
    const { degradeAfterMs, probe, writes, onDegraded } = this.#options;
    if (this.#state === "synchronous") {
      if (!this.#doubts.suffice) return;
      this.#replicasAreCurrent = degradeAfterMs === undefined;
      this.#enter("refusing");
    }
    this.#admit();
    // Degraded writes that end without a listed replica are acknowledged; hanging ones are not.
    if (this.#state === "refusing" || this.#doubts.hang) {
      writes.rejectWaiting(this.#refusal("the outcome is unknown"));
    }
    if (degradeAfterMs === undefined || this.#doubts.mayHang) return;
    if (this.#doubts.unconfirmedMs < degradeAfterMs) return;
    try {
      // At every step: a write that queued for a connection while the others were ended now waits,
      // and holds locks that local writes need.
      if (this.#doubts.hang) await probe.endWaits();
      this.#enter("degraded");
      onDegraded();
    } catch {
      // The primary does not answer: writes stay refused.
    }
  }

  #enter(state: ReplicationState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#admit();
    this.#options.onState(state, state === "synchronous" ? undefined : this.#doubts.problem);
  }

  #admit(): void {
    const { writes } = this.#options;
    switch (this.#state) {
      case "synchronous":
        writes.admission = { kind: "synchronous" };
        break;
      case "refusing":
        writes.admission = { kind: "refused", refusal: (what) => this.#refusal(what) };
        break;
      case "degraded":
        writes.admission = { kind: "degraded", durability: this.#degradedDurability() };
    }
  }

  #degradedDurability(): Durability {
    return this.#doubts.hang ? "local" : "remote_apply";
  }

  #refusal(what: string): AppError {
    return new AppError("unavailable", `${what}: ${this.#doubts.problem}`, {
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  #degradedTo(): string {
    return this.#degradedDurability() === "local"
      ? "writes are on the primary alone"
      : "writes continue without a synchronous replica";
  }
}
