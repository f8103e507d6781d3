import type { CloseStack } from "../shared/lifecycle.ts";
import type { Measured } from "./load/load.ts";

/** A goal of a bench: one line of the table. */
export interface Goal {
  /** Its name in the table, such as `B2a`. */
  readonly bench: string;
  readonly what: string;
  /** The two sides of the ratio; absent for a plain figure. */
  readonly reference?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit: "x" | "ms" | "B" | "%" | "/s" | "calls" | "s" | "MB";
}

/** One figure per round, or why there is none. */
export interface Outcome {
  readonly values: readonly number[];
  readonly notes: readonly string[];
}

/** The rounds of one subject under one load. */
export interface Subject {
  readonly name: string;
  readonly rounds: readonly Measured[];
  /** At a steady rate below its capacity. */
  readonly open?: Measured;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Several lines with a common x axis. */
export interface Curve {
  readonly name: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly isLogarithmic: boolean;
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

/** A bench: its lines of the table, and the run that measures them. */
export interface Bench {
  /** `B1`. */
  readonly name: string;
  readonly title: string;
  readonly goals: readonly Goal[];
  run(lab: Lab): Promise<void>;
}

/** Collects the results of a bench. A goal without an outcome is shown as not measured. */
export class Lab {
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Closed after the bench, also when it fails. */
  readonly opened: CloseStack;
  readonly outcomes = new Map<Goal, Outcome>();
  readonly subjects: Subject[] = [];
  readonly curves: Curve[] = [];
  /** Broken promises, such as a unit sold twice, which fail the run. */
  readonly broken: string[] = [];
  /** Measurements that the load generator may have limited. */
  limited: readonly string[] = [];
  readonly #say: (line: string) => void;

  constructor(
    options: {
      readonly isQuick: boolean;
      readonly rounds: number;
      readonly opened: CloseStack;
      say(line: string): void;
    },
  ) {
    this.isQuick = options.isQuick;
    this.rounds = options.rounds;
    this.opened = options.opened;
    this.#say = options.say;
  }

  /** Shows progress. */
  say(line: string): void {
    this.#say(line);
  }

  record(goal: Goal, values: readonly number[], ...notes: string[]): void {
    const limited = this.limited.map((name) => `the generator may limit ${name}`);
    this.outcomes.set(goal, { values, notes: [...notes, ...limited] });
  }

  /** Records that the reference is not available on this machine. */
  lacks(goal: Goal, reason: string): void {
    this.record(goal, [], reason);
  }

  subject(name: string, rounds: readonly Measured[], open?: Measured): void {
    this.subjects.push({ name, rounds, ...(open ? { open } : {}) });
  }

  /** Checks a promise of the contract; the run fails if it is broken. */
  promise(holds: boolean, broken: string): void {
    if (!holds) this.broken.push(broken);
  }
}
