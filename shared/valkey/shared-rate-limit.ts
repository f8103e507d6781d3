import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  noPermitInTime,
  type Permit,
  type RateLimiter,
  type RateLimitOptions,
} from "../async/rate-limit.ts";
import { type Clock, type Deadline, sleep, systemClock } from "../async/request-context.ts";
import { backgroundContext } from "../telemetry/tracing.ts";
import type { Valkey } from "./valkey.ts";

/** Callers ahead in the queue may disconnect, so a permit may be free sooner. */
const POLL_INTERVAL_MAX_MS = 250;
/** The context of calls without a request: reports of use, abandoned tickets. */
const REPORT_TIMEOUT_MS = 2_000;

export interface SharedRateLimitOptions extends Omit<RateLimitOptions, "clock"> {
  readonly store: Pick<Valkey, "run">;
  readonly clock?: Clock;
}

type Reply =
  | readonly ["granted"]
  | readonly ["wait", number]
  | readonly ["refused", number, 0 | 1];

/**
 * A {@link RateLimiter} for all processes that share a store, by the store's clock: in any sliding
 * window, in the order of arrival at the store. Without the store it grants no permits. A process
 * that dies loses its places within a second; its permits count as used as late as possible.
 */
export class SharedRateLimit implements RateLimiter {
  readonly #options: SharedRateLimitOptions;
  readonly #clock: Clock;
  readonly #lua = readFileSync(new URL("./rate-limit.lua", import.meta.url), "utf8");
  readonly #keys: readonly string[];
  #waiting = 0;
  /** When a pause ends that the store has not confirmed, by the clock. */
  #pausedUntil = -Infinity;

  /** @param name of the limited resource, part of the keys */
  constructor(name: string, options: SharedRateLimitOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#keys = ["granted", "used", "queue", "seen", "state"].map((key) =>
      `limit:{${name}}:${key}`
    );
  }

  get waiting(): number {
    return this.#waiting;
  }

  async acquire(deadline: Deadline): Promise<Permit> {
    const ticket = randomUUID();
    /** Whether the store may have the ticket, waiting or granted. */
    let mayBeStored = false;
    this.#waiting++;
    try {
      for (;;) {
        deadline.signal.throwIfAborted();
        await this.#confirmPause(deadline.deadlineAt - this.#clock.now());
        const requestedAt = this.#clock.now();
        const leftMs = Math.floor(deadline.deadlineAt - requestedAt);
        if (leftMs <= 0) throw this.#refusal(0, leftMs, false);
        mayBeStored = true;
        const reply = await this.#call("acquire", ticket, leftMs, leftMs) as Reply;
        mayBeStored = reply[0] === "wait";
        if (reply[0] === "refused") throw this.#refusal(reply[1], leftMs, reply[2] === 1);
        if (reply[0] === "granted") {
          const permit = { used: () => this.#report("used", ticket) };
          if (this.#isFresh(requestedAt)) return permit;
          permit.used();
        } else await sleep(this.#clock, Math.min(reply[1], POLL_INTERVAL_MAX_MS), deadline.signal);
      }
    } catch (error) {
      if (mayBeStored) this.#report("leave", ticket);
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  pause(pauseMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + pauseMs);
    this.#confirmPause(REPORT_TIMEOUT_MS).catch(() => {});
  }

  /** Sends the pause, if there is one that the store has not confirmed. */
  async #confirmPause(timeoutMs: number): Promise<void> {
    const until = this.#pausedUntil;
    const leftMs = Math.ceil(until - this.#clock.now());
    if (leftMs <= 0) return;
    await this.#call("pause", "", leftMs, Math.min(timeoutMs, REPORT_TIMEOUT_MS));
    if (this.#pausedUntil === until) this.#pausedUntil = -Infinity;
  }

  /** Whether enough of the time of use remains after a late answer or a stall. */
  #isFresh(requestedAt: number): boolean {
    return this.#clock.now() - requestedAt < this.#options.useMaxMs / 2;
  }

  #refusal(startsInMs: number, leftMs: number, isPaused: boolean) {
    return noPermitInTime(this.#options.subject, { startsInMs, leftMs, isPaused });
  }

  /** Without an answer, the use counts as late as possible. */
  #report(operation: "used" | "leave", ticket: string): void {
    this.#call(operation, ticket, 0, REPORT_TIMEOUT_MS).catch(() => {});
  }

  async #call(operation: string, ticket: string, ms: number, timeoutMs: number): Promise<unknown> {
    const { store, permits, windowMs, useMaxMs } = this.#options;
    const context = backgroundContext(Math.max(0, timeoutMs), this.#clock);
    const args = [operation, ticket, permits, windowMs, useMaxMs, Math.max(0, ms)];
    const call = { lua: this.#lua, operation: `limit_${operation}`, keys: this.#keys, args };
    return await store.run(call, context);
  }
}
