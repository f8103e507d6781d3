import { AppError } from "../errors.ts";
import type { Clock, Deadline } from "./request-context.ts";

/** A timer that is this late means that the process has stalled. */
const STALL_MS = 100;

export interface RateLimitOptions {
  /** The limited resource, for messages: "product service". */
  readonly subject: string;
  /** Permits in any window, at least 1. */
  readonly permits: number;
  readonly windowMs: number;
  /** A permit counts as used after this time even without `used()`; a stall extends it. */
  readonly useMaxMs: number;
  readonly clock: Clock;
}

/** A permit for one use. */
export interface Permit {
  /** Must be called when the use has happened; its window ends `windowMs` later. */
  used(): void;
}

export interface RateLimiter {
  /** The number of callers in this process that wait for a permit. */
  readonly waiting: number;
  /**
   * Resolves with a permit, in order of arrival. Rejects with AppError `unavailable` and
   * `retryAfterMs` as soon as it is certain that none is free before the deadline; with the
   * signal's reason when that aborts.
   */
  acquire(deadline: Deadline): Promise<Permit>;
  /** Grants no permit for `pauseMs`, or until a longer pause ends. */
  pause(pauseMs: number): void;
}

/** The refusal of a permit that is free in `startsInMs`, after the deadline in `leftMs`. */
export function noPermitInTime(
  subject: string,
  { startsInMs, leftMs, isPaused }: {
    readonly startsInMs: number;
    readonly leftMs: number;
    readonly isPaused: boolean;
  },
): AppError {
  const inMs = Math.ceil(startsInMs);
  return new AppError(
    "unavailable",
    `The ${subject} ${isPaused ? "has requested a pause" : "is busy"}: ` +
      `its next call is in ${inMs} ms, the deadline in ${Math.floor(Math.max(0, leftMs))} ms`,
    // By then the queue is short enough for a caller with as much time; a pause does not shrink.
    { retryAfterMs: isPaused ? inMs : Math.ceil(startsInMs - leftMs) },
  );
}

interface Slot {
  /** When its window ends; undefined while the use may still happen. */
  freeAt: number | undefined;
}

interface Waiter {
  readonly deadline: Deadline;
  readonly grant: () => void;
  readonly refuse: (error: AppError) => void;
}

/**
 * At most `permits` uses in any sliding window of `windowMs`, wherever the window begins; a token
 * bucket would allow twice that across two refills. A permit is used at some unknown moment between
 * being granted and `used()`, and its window is counted from the latest such moment, so that a
 * stall between the two, here or in the server, does not exceed the limit.
 *
 * Permits are granted in order of arrival. The queue needs no bound: it rejects a waiter whose
 * permit would be due after its deadline.
 */
export class RateLimit implements RateLimiter {
  readonly #options: RateLimitOptions;
  readonly #queue: Waiter[] = [];
  #slots: Slot[] = [];
  #pausedUntil = -Infinity;
  #cancelTimer: (() => void) | undefined;

  /** @throws {RangeError} when `permits` is not a whole number from 1 */
  constructor(options: RateLimitOptions) {
    const { permits } = options;
    if (!(Number.isInteger(permits) && permits >= 1)) {
      throw new RangeError(`permits must be a whole number from 1, got ${permits}`);
    }
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  async acquire(deadline: Deadline): Promise<Permit> {
    deadline.signal.throwIfAborted();
    const startsAt = this.#earliestStarts()(this.#queue.length);
    if (startsAt > deadline.deadlineAt) throw this.#tooLate(startsAt, deadline);
    return await new Promise<Permit>((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(deadline.signal.reason);
        this.#grantFree();
      };
      const stopListening = () => deadline.signal.removeEventListener("abort", onAbort);
      const waiter: Waiter = {
        deadline,
        grant: () => {
          stopListening();
          resolve(this.#takeSlot());
        },
        refuse: (error) => {
          stopListening();
          reject(error);
        },
      };
      this.#queue.push(waiter);
      deadline.signal.addEventListener("abort", onAbort, { once: true });
      this.#grantFree();
    });
  }

  pause(pauseMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#options.clock.now() + pauseMs);
    this.#grantFree();
  }

  #takeSlot(): Permit {
    const { clock, useMaxMs, windowMs } = this.#options;
    const slot: Slot = { freeAt: undefined };
    this.#slots.push(slot);
    let cancelTimer = () => {};
    const used = () => {
      cancelTimer();
      if (slot.freeAt !== undefined) return;
      slot.freeAt = clock.now() + windowMs;
      this.#grantFree();
    };
    const assumeUsedLater = () => {
      const usedBy = clock.now() + useMaxMs;
      cancelTimer = clock.setTimer(useMaxMs, () => {
        // A stall also stops the use, so its time starts again.
        if (clock.now() > usedBy + STALL_MS) assumeUsedLater();
        else used();
      });
    };
    assumeUsedLater();
    return { used };
  }

  #grantFree(): void {
    const now = this.#options.clock.now();
    this.#slots = this.#slots.filter(({ freeAt }) => freeAt === undefined || freeAt > now);
    // First, because after a stall a permit could go to a waiter with a passed deadline.
    this.#refuseLate();
    while (this.#queue.length > 0 && this.#hasFree() && this.#pausedUntil <= now) {
      this.#queue.shift()?.grant();
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const freeAt = this.#hasFree()
      ? now
      : Math.min(...this.#slots.map((slot) => slot.freeAt ?? Infinity));
    if (this.#queue.length === 0 || freeAt === Infinity) return;
    const nextAt = Math.max(freeAt, this.#pausedUntil);
    this.#cancelTimer = this.#options.clock.setTimer(
      Math.ceil(nextAt - now),
      () => this.#grantFree(),
    );
  }

  #hasFree(): boolean {
    return this.#slots.length < this.#options.permits;
  }

  /** A slow use delays all later waiters, some past their deadline. */
  #refuseLate(): void {
    const earliestStart = this.#earliestStarts();
    for (let position = 0; position < this.#queue.length;) {
      const waiter = this.#queue[position] as Waiter;
      const startsAt = earliestStart(position);
      if (startsAt <= waiter.deadline.deadlineAt) {
        position++;
        continue;
      }
      this.#queue.splice(position, 1);
      waiter.refuse(this.#tooLate(startsAt, waiter.deadline));
    }
  }

  /** The earliest time of the permit at this position of the queue, from 0. */
  #earliestStarts(): (position: number) => number {
    const { permits, windowMs, clock } = this.#options;
    const now = clock.now();
    const from = Math.max(now, this.#pausedUntil);
    const starts = this.#slots.map(({ freeAt = now + windowMs }) => Math.max(from, freeAt));
    while (starts.length < permits) starts.push(from);
    starts.sort((a, b) => a - b);
    return (position) =>
      (starts[position % permits] as number) + Math.floor(position / permits) * windowMs;
  }

  #tooLate(startsAt: number, deadline: Deadline): AppError {
    const now = this.#options.clock.now();
    return noPermitInTime(this.#options.subject, {
      startsInMs: startsAt - now,
      leftMs: deadline.deadlineAt - now,
      isPaused: this.#pausedUntil > now,
    });
  }
}
