import type { Random } from "./random.ts";

/** When a round's victim is killed, and for how long it is down. */
export interface Accident {
  readonly victim: string;
  /** After this many acknowledged answers of the round, and this long after the last of them. */
  readonly afterAnswers: number;
  readonly afterMs: number;
  readonly awayMs: number;
}

const ANSWERS = { from: 20, to: 60 } as const;
const MOMENT_MAX_MS = 150;
const AWAY_MAX_MS = 1_500;

/** One accident per round; every victim once before one is repeated. */
export function* accidents(random: Random, victims: readonly string[]): Generator<Accident> {
  for (;;) {
    for (const victim of random.shuffled(victims)) {
      yield {
        victim,
        afterAnswers: random.integer(ANSWERS.from, ANSWERS.to),
        afterMs: random.integer(0, MOMENT_MAX_MS),
        awayMs: random.integer(0, AWAY_MAX_MS),
      };
    }
  }
}
