import type { Clock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { Buyer, type BuyerOptions } from "./buyer.ts";
import { wish } from "./purchase.ts";
import type { Random } from "./random.ts";

/** Enough to have every step of a purchase under way at any moment, on two processors. */
const BUYERS = 8;
const THINK_MAX_MS = 40;
/** Each buyer's users have numbers of their own. */
const USERS_EACH = 1_000_000;

export interface Load {
  /** Lets the purchases under way end; resolves once all are settled. */
  stop(): Promise<void>;
}

/** Buyers who buy one thing after another, each as a new user, as `random` decides. */
export function startLoad(options: BuyerOptions, random: Random, buyers = BUYERS): Load {
  let stopped = false;
  async function buyOn(buyer: number, choices: Random, clock: Clock): Promise<void> {
    for (let number = 1; !stopped; number++) {
      const userId = BigInt((buyer + 1) * USERS_EACH + number);
      await new Buyer(options, wish(choices, userId)).buy();
      await sleep(clock, choices.integer(0, THINK_MAX_MS));
    }
  }
  const buying = Array.from(
    { length: buyers },
    (_, buyer) => buyOn(buyer, random.fork(buyer), options.clock),
  );
  return {
    async stop() {
      stopped = true;
      await Promise.all(buying);
    },
  };
}
