import { expect } from "vitest";
import { sleep, systemClock } from "../shared/async/request-context.ts";
import type { Answer } from "./http.ts";
import type { Shop } from "./shop.ts";
import { newUser } from "./users.ts";

// Buyers that repeat each write until it succeeds, as a client does while processes restart.

/** The status of a write while a service stops: retry with the same key. */
const UNKNOWN = [503, 504];
const RETRY_PAUSE_MS = 20;
/** Longer than a failover, which waits for the key of a dead primary to expire. */
const INSIST_MAX_MS = 120_000;

export interface Ordered {
  readonly user: number;
  readonly key: string;
  readonly order: number;
}

/** Repeats `attempt` until it succeeds; connections may be lost meanwhile. */
export async function insist(attempt: (tries: number) => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + INSIST_MAX_MS;
  for (let tries = 0;; tries++) {
    const isLast = performance.now() > deadline;
    const answer = await attempt(tries).catch((error: unknown) => {
      if (isLast) throw error;
    });
    if (answer?.status === 200) return answer;
    if (answer) expect(isLast ? [200] : UNKNOWN, answer.text).toContain(answer.status);
    await sleep(systemClock, RETRY_PAUSE_MS);
  }
}

/** The transports of one shop in rotation. */
export function inTurn(transports: readonly Shop[], tries: number): Shop {
  return transports[tries % transports.length] as Shop;
}

/** Creates orders of one unit, each with its own key, while `isOpen`. */
export async function buyWithKeys(
  transports: readonly Shop[],
  sku: number,
  isOpen: () => boolean,
  afterwards: (ordered: Ordered) => Promise<unknown> = () => Promise.resolve(),
): Promise<Ordered[]> {
  const user = newUser();
  const reported: Ordered[] = [];
  while (isOpen()) {
    const key = `rolling ${reported.length}`;
    const { body } = await insist((tries) =>
      inTurn(transports, tries).tryCreate(user, [{ sku, count: 1 }], { "idempotency-key": key })
    );
    const ordered = { user, key, order: body["orderID"] as number };
    reported.push(ordered);
    await afterwards(ordered);
  }
  return reported;
}
