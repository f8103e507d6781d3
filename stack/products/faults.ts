import { z } from "zod";
import type { Clock } from "../../shared/async/request-context.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { aborted } from "../../shared/signals.ts";
import { ServiceRefusal } from "./refusal.ts";

const SECOND_MS = 1_000;
const LATENCY_MAX_MS = 600_000;
const RETRY_AFTER_MAX_S = 86_400;

/** What `PUT /faults` takes; each part is off when it is absent. */
export const faultPlan = z.strictObject({
  latency_ms: z.number().int().min(0).max(LATENCY_MAX_MS).optional(),
  /** What the calls are answered. */
  status: z.number().int().min(400).max(599).optional(),
  /** The `Retry-After` of such an answer, and of those over the limit. */
  retry_after_s: z.number().int().min(0).max(RETRY_AFTER_MAX_S).optional(),
  /** How many of the next calls are slow, hang or fail; all of them when absent. */
  next: z.number().int().min(0).optional(),
  /** The calls are not answered before the plan ends. */
  hang: z.boolean().optional(),
  /** Calls in any second beyond which the answer is 429, as long as the plan is in force. */
  limit_rps: z.number().int().min(1).optional(),
});
type FaultPlan = z.output<typeof faultPlan>;

/** A plan in force and what is left of it. */
interface Force {
  readonly plan: FaultPlan;
  left: number;
  readonly ended: AbortController;
  /** When the calls of the last second were let in. */
  letIn: number[];
}

function inForce(plan: FaultPlan): Force {
  return { plan, left: plan.next ?? Infinity, ended: new AbortController(), letIn: [] };
}

/** What goes wrong with calls, by the plan that is in force. */
export class Faults {
  readonly #clock: Clock;
  #force = inForce({});

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a plan in force, in place of the one before. */
  plan(plan: FaultPlan): void {
    this.#force.ended.abort();
    this.#force = inForce(plan);
  }

  /** Calls that hang or are slow go on at once. */
  clear(): void {
    this.plan({});
  }

  /**
   * Resolves when the call may go on.
   * @throws {ServiceRefusal} as planned, or 429 when the call is over the limit
   */
  async meet(caller: AbortSignal): Promise<void> {
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
    force.letIn = force.letIn.filter((at) => at > now - SECOND_MS);
    if (force.letIn.length >= limit_rps) {
      throw new ServiceRefusal(429, `more than ${limit_rps} calls in a second`, retry_after_s);
    }
    force.letIn.push(now);
  }
}
