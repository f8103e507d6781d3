import type { Clock } from "../../shared/async/clock.ts";
import { Loop } from "../../shared/async/loop.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { within } from "../../shared/async/within.ts";
import { AppError } from "../../shared/errors.ts";
import type { Durability } from "../../shared/postgres/durability.ts";
import type { CommitProbe, ProbeOutcome } from "./commit-probe.ts";
import { ReplicationDoubts } from "./replication-doubts.ts";

// Whether commits reach the synchronous replicas, found out by committing: one probe after another,
// never two, because a commit that waits for a lost replica waits until it is back.
//
//   synchronous  writes wait for the replicas
//   refusing     no probe was confirmed for too long, or no listed replica is synchronous: writes are
//                refused at once, and those under way are answered as unknown, rather than all pile
//                up behind commits that hold row locks
//   degraded     after a while more, if the policy is to degrade. Where commits hang, their waits are
//                ended, which leaves them on the primary alone, and new writes do not wait; where they
//                end without a listed replica, new writes wait for what the primary waits for
//
// A confirmed probe leads back to synchronous: the replicas have then applied all that was committed
// before that probe, and writes from now on wait for the rest, too. Nothing of this is stored, so a
// process that dies leaves no degraded server behind, and each of several processes finds out by itself.

/** Between probes, and between looks at one that waits. */
const STEP_MS = 500;
/** Advice to a caller that was refused: about as long as it takes to see that the replica is back. */
const RETRY_AFTER_MS = 1_000;

export type ReplicationState = "synchronous" | "refusing" | "degraded";

export interface ReplicationOptions {
  readonly probe: CommitProbe;
  /** How long commits may go unconfirmed until they stop waiting, in ms; undefined: for ever. */
  readonly degradeAfterMs: number | undefined;
  readonly clock: Clock;
  /** Called at each change, with why writes are not synchronous. */
  readonly onState: (state: ReplicationState, problem: string | undefined) => void;
  /** Called at every step while writes go on without a synchronous replica. */
  readonly onDegraded: () => void;
}

interface Probing {
  readonly startedAt: number;
  readonly outcome: Promise<ProbeOutcome>;
  /** Whether it began after every local write had ended. */
  readonly afterLocalWrites: boolean;
}

/** Which way writes go; `synchronous` before the first step. */
export class Replication {
  readonly #options: ReplicationOptions;
  readonly #loop: Loop;
  readonly #rejectWaiting = new Set<(error: AppError) => void>();
  #state: ReplicationState = "synchronous";
  #probing: Probing | undefined;
  readonly #doubts: ReplicationDoubts;
  #wasConfirmed = false;
  #replicasAreCurrent: boolean;
  #localWrites = 0;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#doubts = new ReplicationDoubts(options.clock);
    this.#replicasAreCurrent = options.degradeAfterMs === undefined;
    this.#loop = new Loop({
      clock: options.clock,
      step: async () => {
        await this.step();
        // A step with a probe that waits has taken its time already.
        return this.#probing ? 0 : STEP_MS;
      },
      onError: () => {},
      backoffMs: STEP_MS,
      backoffMaxMs: STEP_MS,
    });
  }

  get state(): ReplicationState {
    return this.#state;
  }

  /** How the next write's commit waits. */
  get durability(): Durability {
    return this.#state === "degraded" && this.#doubts.hang ? "local" : "remote_apply";
  }

  /**
   * Whether a synchronous replica that follows has every answered write. Without degrading it always
   * has. Else another process may answer writes without the replicas while this one still refuses, so
   * they are left alone from the first doubt until a probe is confirmed that began after it.
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
   * Sends a write that waits for the replicas. `send` may ask whether its answer is still waited
   * for before it begins.
   * @throws {AppError} `unavailable` at once while writes are refused, and when that begins
   */
  async synchronously<Result>(
    name: string,
    send: (isWanted: () => boolean) => Promise<Result>,
  ): Promise<Result> {
    if (this.#state === "refusing") throw this.#refusal(`${name} is refused`);
    return await new Promise<Result>((resolve, reject) => {
      this.#rejectWaiting.add(reject);
      const isWanted = () => this.#rejectWaiting.has(reject);
      send(isWanted).finally(() => this.#rejectWaiting.delete(reject)).then(resolve, reject);
    });
  }

  /**
   * Of a write that has ended, where replicas are listed: `standbys` is what
   * `synchronous_standby_names` was after it. A value that the last probe did not see may have ended
   * the wait for a replica. Degraded writes promise no replica, so theirs may be any.
   * @throws {AppError} `unavailable`: its outcome is unknown
   */
  assertWaitedFor(standbys: string, name: string): void {
    const { probe } = this.#options;
    if (this.#state === "degraded" || probe.standbys === standbys) return;
    this.#loop.wake();
    throw new AppError(
      "unavailable",
      `the outcome of ${name} is unknown: synchronous_standby_names is '${standbys}' now`,
      { retryAfterMs: RETRY_AFTER_MS },
    );
  }

  /** Sends a write that waits for nobody. */
  async locally<Result>(send: () => Promise<Result>): Promise<Result> {
    this.#localWrites++;
    try {
      return await send();
    } finally {
      this.#localWrites--;
    }
  }

  /**
   * Steps until a probe was confirmed or writes are refused. No write may be admitted before.
   * @throws {AppError} `unavailable` when the primary has not answered for `timeoutMs`
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
   * For readiness: what does not prevent serving but must be known.
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

  /** Goes on with the probe, for about 500 ms at most; never rejects. */
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
      // How long the primary is away says nothing of its replicas, nor against an earlier reason.
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
      afterLocalWrites: this.#state === "synchronous" && this.#localWrites === 0,
    };
  }

  #confirm({ afterLocalWrites }: Probing): void {
    this.#doubts.forget();
    this.#wasConfirmed = true;
    // One that was in doubt meanwhile began before the local writes.
    if (afterLocalWrites && this.#state === "synchronous") this.#replicasAreCurrent = true;
    this.#enter("synchronous");
  }

  async #doubt(): Promise<void> {
    const { degradeAfterMs, probe, onDegraded } = this.#options;
    if (this.#state === "synchronous") {
      if (!this.#doubts.suffice) return;
      this.#replicasAreCurrent = degradeAfterMs === undefined;
      this.#enter("refusing");
    }
    // Degraded writes that end without a listed replica are answered; those that hang are not.
    if (this.#state === "refusing" || this.#doubts.hang) this.#rejectAll();
    if (degradeAfterMs === undefined || this.#doubts.mayHang) return;
    if (this.#doubts.unconfirmedMs < degradeAfterMs) return;
    try {
      // Again at every step: a write that queued for a connection when the others were ended waits
      // now, and holds locks that local writes need.
      if (this.#doubts.hang) await probe.endWaits();
      this.#enter("degraded");
      onDegraded();
    } catch {
      // The primary does not answer: there is nothing to go on with.
    }
  }

  #rejectAll(): void {
    for (const reject of this.#rejectWaiting) reject(this.#refusal("the outcome is unknown"));
    this.#rejectWaiting.clear();
  }

  #enter(state: ReplicationState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState(state, state === "synchronous" ? undefined : this.#doubts.problem);
  }

  #refusal(what: string): AppError {
    return new AppError("unavailable", `${what}: ${this.#doubts.problem}`, {
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  #degradedTo(): string {
    return this.durability === "local"
      ? "writes are on the primary alone"
      : "writes go on without a synchronous replica";
  }
}
