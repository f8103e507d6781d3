import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { runCrashTest } from "./run.ts";
import { describeVerdict, holds } from "./verdict.ts";

const USAGE = `npm run crash-test -- [--rounds N] [--seed N] [--ha]

Buys under load from a stack of its own, kills -9 a random process each round and brings it back,
and reports at the end whether anything acknowledged was lost or done twice.

  --rounds N  how many processes are killed (20)
  --seed N    decides the victims, the moments and the purchases (random, and printed)
  --ha        PostgreSQL under Patroni, three brokers, carts in Valkey, two of each service behind
              HAProxy, instead of the stack; needs what npm run test:machines needs
`;
const SEED_MAX = 2 ** 32 - 1;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seed: { type: "string", default: String(randomInt(SEED_MAX)) },
    ha: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
} else {
  const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
  if (!isWhole(rounds, 1) || !isWhole(seed, 0)) {
    process.stderr.write(`--rounds is a number from 1, --seed one from 0 to ${SEED_MAX}\n`);
    process.exitCode = 1;
  } else {
    process.exitCode = await crashTest(rounds, seed, values.ha);
  }
}

function isWhole(value: number, min: number): boolean {
  return Number.isInteger(value) && value >= min && value <= SEED_MAX;
}

/** @returns the exit code */
async function crashTest(rounds: number, seed: number, ha: boolean): Promise<number> {
  const dataDirectory = mkdtempSync(join(tmpdir(), "marketplace-crash-"));
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  print(`crash-test: ${rounds} rounds, seed ${seed}`);
  try {
    const verdict = await runCrashTest({
      ...{ seed, rounds, dataDirectory, ha, print },
      signal: stopping.signal,
    });
    const isGood = holds(verdict);
    if (isGood) rmSync(dataDirectory, { recursive: true });
    else print(`the stack's data and logs stay in ${dataDirectory}`);
    print(describeVerdict(verdict));
    return isGood ? 0 : 1;
  } catch (error) {
    print(`the stack's data and logs stay in ${dataDirectory}`);
    print(`crash-test: ${(error as Error).message} (seed ${seed})`);
    return 1;
  }
}
