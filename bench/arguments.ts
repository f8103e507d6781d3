import { parseArgs } from "node:util";

export const USAGE = `npm run bench -- [BENCH…] [--quick] [--rounds N] [--out DIRECTORY]

  BENCH    the ones to run, such as B3 B6; all without it
  --quick  two rounds and smaller sizes
  --rounds alternating rounds of each bench
  --out    where the results go, bench/results without it`;

/** Rounds of a full run, and of a quick one. */
const ROUNDS = { full: 5, quick: 2 } as const;
const ROUNDS_MAX = 100;

export interface Arguments {
  readonly isQuick: boolean;
  readonly rounds: number;
  /** In the order of the table. */
  readonly benches: readonly string[];
  readonly out: string | undefined;
}

/** @throws {Error} naming the wrong argument */
export function readArguments(given: readonly string[], names: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      out: { type: "string" },
    },
  });
  const chosen = positionals.map((name) => name.toUpperCase());
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Error(`There is no bench ${unknown.join(", ")}: the benches are ${names.join(", ")}`);
  }
  const rounds = Number(values.rounds ?? (values.quick ? ROUNDS.quick : ROUNDS.full));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds is ${values.rounds}, and must be from 1 to ${ROUNDS_MAX}`);
  }
  const benches = chosen.length === 0 ? names : names.filter((name) => chosen.includes(name));
  return { isQuick: values.quick, rounds, benches, out: values.out };
}
