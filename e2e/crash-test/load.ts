import { type Clock, sleep } from "../../shared/async/request-context.ts";
import { Buyer, type BuyerOptions } from "./buyer.ts";
import { type ClerkOptions, deliver } from "./clerk.ts";
import { delivery } from "./delivery.ts";
import { wish } from "./purchase.ts";
import type { Random } from "./random.ts";

/** Enough to have every step of a purchase in progress at any time, on two processors. */
const BUYERS = 8;
const THINK_MAX_MS = 40;
/** Their changes compete with each other and with buyers for the same stock rows. */
const CLERKS = 2;
/** Between two changes: fewer than purchases, as in a shop. */
const CLERK_PAUSE_MAX_MS = 200;
/** Each buyer has its own range of users. */
const USERS_EACH = 1_000_000;

export interface Load {
  /** Waits for work in progress; resolves when everything is settled. */
  stop(): Promise<void>;
}

/**
 * Buyers who make one purchase after the other, each as a new user, and clerks who change the
 * stock, with choices from `random`.
 */
export function startLoad(
  options: BuyerOptions & ClerkOptions,
  random: Random,
  buyers = BUYERS,
): Load {
  let stopped = false;
  async function buyOn(buyer: number, choices: Random, clock: Clock): Promise<void> {
    for (let number = 1; !stopped; number++) {
      const userId = BigInt((buyer + 1) * USERS_EACH + number);
      await new Buyer(options, wish(choices, userId)).buy();
      await sleep(clock, choices.integer(0, THINK_MAX_MS));
    }
  }
  async function deliverOn(clerk: number, choices: Random, clock: Clock): Promise<void> {
    for (let number = 1; !stopped; number++) {
      await deliver(options, delivery(choices, `note ${clerk + 1}-${number}`));
      await sleep(clock, choices.integer(0, CLERK_PAUSE_MAX_MS));
    }
  }
  const working = [
    ...Array.from(
      { length: buyers },
      (_, buyer) => buyOn(buyer, random.fork(buyer), options.clock),
    ),
    ...Array.from(
      { length: CLERKS },
      (_, clerk) => deliverOn(clerk, random.fork(buyers + clerk), options.clock),
    ),
  ];
  return {
    async stop() {
      stopped = true;
      await Promise.all(working);
    },
  };
}
