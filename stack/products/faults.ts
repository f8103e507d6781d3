import { z } from "zod";
import { type Clock, sleep } from "../../shared/async/request-context.ts";
import { aborted } from "../../shared/signals.ts";
import { ServiceRefusal } from "./refusal.ts";

const SECOND_MS = 1_000;
const LATENCY_MAX_MS = 600_000;
const RETRY_AFTER_MAX_S = 86_400;

/** The body of `PUT /faults`; an absent part is off. */
export const faultPlan = z.strictObject({
  latency_ms: z.number().int().min(0).max(LATENCY_MAX_MS).optional(),
  /** The status of the answers. */
  status: z.number().int().min(400).max(599).optional(),
  /** The `Retry-After` of these answers, and of those over the limit. */
  retry_after_s: z.number().int().min(0).max(RETRY_AFTER_MAX_S).optional(),
  /** The number of next calls that are slow, hang or fail; all if absent. */
  next: z.number().int().min(0).optional(),
  /** Calls are not answered until the plan ends. */
  hang: z.boolean().optional(),
  /** Calls in any second; further ones are answered 429 while the plan is active. */
  limit_rps: z.number().int().min(1).optional(),
});
type FaultPlan = z.output<typeof faultPlan>;

/** The active plan and its remaining calls. */
interface Force {
  readonly plan: FaultPlan;
  left: number;
  readonly ended: AbortController;
  /** When the calls of the last second were admitted. */
  admittedAt: number[];
}

function inForce(plan: FaultPlan): Force {
  return { plan, left: plan.next ?? Infinity, ended: new AbortController(), admittedAt: [] };
}

/** Delays and failures of calls, by the active plan. */
export class Faults {
  readonly #clock: Clock;
  #force = inForce({});

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Activates a fault plan and replaces the previous one. */
  plan(plan: FaultPlan): void {
    this.#force.ended.abort();
    this.#force = inForce(plan);
  }

  /** Releases delayed and hanging calls. */
  clear(): void {
    this.plan({});
  }

  /**
   * Resolves when the call may proceed.
   * @throws {ServiceRefusal} as planned, or 429 when the call is over the limit
   */
  async apply(caller: AbortSignal): Promise<void> {
    const force = this.#force;
    const { latency_ms, status, retry_after_s, hang } = force.plan;
    this.#keepLimit(force);
    if (force.left <= 0) return;
    force.left--;
    const end = AbortSignal.any([force.ended.signal, caller]);
    if (latency_ms) await sleep(this.#clock, latency_ms, end).catch(() => {});
    if (hang) await aborted(end);
    if (status !== undefined) throw new ServiceRefusal(status, "as planned", retry_after_s);
  }

  #keepLimit(force: Force): void {
    const { limit_rps, retry_after_s = 1 } = force.plan;
    if (limit_rps === undefined) return;
    const now = this.#clock.now();
    force.admittedAt = force.admittedAt.filter((at) => at > now - SECOND_MS);
    if (force.admittedAt.length >= limit_rps) {
      throw new ServiceRefusal(429, `more than ${limit_rps} calls in a second`, retry_after_s);
    }
    force.admittedAt.push(now);
  }
}
