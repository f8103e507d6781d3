import type { Clock } from "../../shared/async/clock.ts";
import { Loop } from "../../shared/async/loop.ts";
import { within } from "../../shared/async/within.ts";
import { AppError } from "../../shared/errors.ts";
import type { CommitProbe, ProbeOutcome } from "./commit-probe.ts";

// Whether commits reach the synchronous replicas, found out by committing: one probe after another,
// never two, because a commit that waits for a lost replica waits until it is back.
//
//   synchronous  writes wait for the replicas
//   refusing     a probe has waited too long: writes are refused at once, and those under way are
//                answered as unknown, rather than all pile up behind commits that hold row locks
//   degraded     after a while more, if the policy is to degrade: waits are ended, which leaves those
//                commits on the primary alone, and new writes do not wait
//
// A confirmed probe leads back to synchronous: the replicas have then applied all that was committed
// before that probe, and whoever writes from now on waits for the rest, too. Nothing of this is stored, so a process that dies
// leaves no degraded server behind, and each of several processes finds out by itself.

/** A commit takes milliseconds; one that waits this long has no replica, or one that stands still. */
export const UNCONFIRMED_AFTER_MS = 2_000;
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
  /** Told of each change. */
  readonly onState: (state: ReplicationState) => void;
  /** Told at every step while writes are on the primary alone. */
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
  /** When the first probe began that no confirmed one has followed. */
  #unconfirmedSince: number | undefined;
  #replicasAreCurrent: boolean;
  #localWrites = 0;

  constructor(options: ReplicationOptions) {
    this.#options = options;
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

  /**
   * Whether a replica that follows has every answered write. If nobody degrades it always has.
   * Else another process may answer writes without the replicas while this one still refuses, so
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
    if (this.#state !== "synchronous") throw this.#refusal(`${name} is refused`);
    return await new Promise<Result>((resolve, reject) => {
      this.#rejectWaiting.add(reject);
      const isWanted = () => this.#rejectWaiting.has(reject);
      send(isWanted).finally(() => this.#rejectWaiting.delete(reject)).then(resolve, reject);
    });
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
        return `writes are on the primary alone: ${this.#silence()}`;
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
    switch (outcome) {
      case "confirmed":
        return this.#confirm(probing);
      case "unknown":
        // How long the primary was away says nothing of its replicas.
        if (this.#state !== "degraded") this.#unconfirmedSince = undefined;
        return;
      case "unconfirmed":
      case "waiting":
        this.#unconfirmedSince ??= probing.startedAt;
        return await this.#doubt(this.#options.clock.now() - this.#unconfirmedSince);
    }
  }

  #begin(): Probing {
    return {
      startedAt: this.#options.clock.now(),
      outcome: this.#options.probe.commit(),
      afterLocalWrites: this.#state === "synchronous" && this.#localWrites === 0,
    };
  }

  #confirm({ afterLocalWrites }: Probing): void {
    this.#unconfirmedSince = undefined;
    // One that was in doubt meanwhile began before the local writes.
    if (afterLocalWrites && this.#state === "synchronous") this.#replicasAreCurrent = true;
    this.#enter("synchronous");
  }

  async #doubt(unconfirmedMs: number): Promise<void> {
    const { degradeAfterMs, probe } = this.#options;
    if (unconfirmedMs < UNCONFIRMED_AFTER_MS) return;
    if (this.#state === "synchronous") {
      this.#replicasAreCurrent = degradeAfterMs === undefined;
      this.#enter("refusing");
      for (const reject of this.#rejectWaiting) reject(this.#refusal("the outcome is unknown"));
      this.#rejectWaiting.clear();
    }
    if (degradeAfterMs === undefined || unconfirmedMs < degradeAfterMs) return;
    try {
      // Again at every step: a write that queued for a connection when the others were ended waits
      // now, and holds locks that local writes need.
      await probe.endWaits();
      this.#enter("degraded");
      this.#options.onDegraded();
    } catch {
      // The primary does not answer: there is nothing to go on with.
    }
  }

  #enter(state: ReplicationState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState(state);
  }

  #refusal(what: string): AppError {
    return new AppError("unavailable", `${what}: ${this.#silence()}`, {
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  #silence(): string {
    const since = this.#unconfirmedSince ?? this.#options.clock.now();
    const seconds = Math.round((this.#options.clock.now() - since) / 1_000);
    return `the synchronous replica has confirmed no commit for ${seconds} s`;
  }
}
