import type { Part } from "../../stack/start.ts";
import type { Random } from "./random.ts";

/** What is killed: a part of the stack, or the launcher and so the whole stack. */
export type Victim = Part | "launcher";

export const VICTIMS = [
  "cart",
  "loms",
  "notifier",
  "primary",
  "standby1",
  "products",
  "launcher",
] as const satisfies readonly Victim[];

/** Whether carts, which are in memory, die with it. */
export function takesCarts(victim: Victim): boolean {
  return victim === "cart" || victim === "launcher";
}

/** When a round's victim is killed, and for how long it is away. */
export interface Accident {
  readonly victim: Victim;
  /** After this many acknowledged answers of the round, and this long after the last of them. */
  readonly afterAnswers: number;
  readonly afterMs: number;
  readonly awayMs: number;
}

const ANSWERS = { from: 20, to: 60 } as const;
const MOMENT_MAX_MS = 150;
const AWAY_MAX_MS = 1_500;

/** One accident a round; every victim once before one is repeated. */
export function* accidents(random: Random): Generator<Accident> {
  for (;;) {
    for (const victim of random.shuffled(VICTIMS)) {
      yield {
        victim,
        afterAnswers: random.integer(ANSWERS.from, ANSWERS.to),
        afterMs: random.integer(0, MOMENT_MAX_MS),
        awayMs: random.integer(0, AWAY_MAX_MS),
      };
    }
  }
}
