// The time from `npm start` to ready, without data and with the data of an earlier start, and the
// memory of the idle system, against an earlier commit. The two alternate, so that other load on
// the machine affects both. Every start runs `npm start` itself, observed from outside through
// /proc.
// Usage: node bench/start/main.ts --against REF [--rounds N]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Checkout, checkOut, thisCheckout } from "./checkout.ts";
import { measureStart, type Start } from "./measure-start.ts";
import { compare, compareEach } from "./tables.ts";

const GOALS = { ready: 0.5, memory: 0.6 };

const { values: { against, rounds } } = parseArgs({
  options: { against: { type: "string" }, rounds: { type: "string", default: "5" } },
});
if (!against) {
  process.stderr.write("usage: npm run bench:start -- --against REF [--rounds N]\n");
  process.exit(2);
}

/** The starts of one checkout: a pair per round. */
interface Measured {
  readonly checkout: Checkout;
  readonly withoutData: Start[];
  readonly withData: Start[];
}

const parent = mkdtempSync(join(tmpdir(), "marketplace-bench-data-"));
const before = measured(checkOut(against));
try {
  const after = measured(thisCheckout());
  console.log(`before: ${before.checkout.version}, after: ${after.checkout.version}`);
  for (let round = 1; round <= Number(rounds); round++) {
    for (const tree of round % 2 ? [before, after] : [after, before]) await measureRound(tree);
    console.log(`round ${round} of ${rounds}`);
  }
  report("without data", before.withoutData, after.withoutData);
  report("with data", before.withData, after.withData);
} finally {
  before.checkout.close();
  rmSync(parent, { recursive: true, force: true });
}

function measured(checkout: Checkout): Measured {
  return { checkout, withoutData: [], withData: [] };
}

async function measureRound(tree: Measured): Promise<void> {
  const { checkout: { directory, version }, withData } = tree;
  // Nothing is deleted before the end: after deletions ext4 is slow to allocate inodes for minutes.
  const dataDirectory = join(parent, `${version}-${withData.length}`);
  tree.withoutData.push(await measureStart(directory, dataDirectory));
  tree.withData.push(await measureStart(directory, dataDirectory));
}

function report(title: string, before: readonly Start[], after: readonly Start[]): void {
  const total = (figures: ReadonlyMap<string, number>) =>
    [...figures.values()].reduce((sum, each) => sum + each, 0);
  console.log(`\n## npm start ${title}\n`);
  console.log(compare(
    [
      [`ready, ms (goal ${GOALS.ready}x)`, ({ readyMs }: Start) => readyMs],
      ["CPU time until ready, ms", ({ cpuMs }: Start) => total(cpuMs)],
      [`memory when idle, MB (goal ${GOALS.memory}x)`, ({ memoryMb }: Start) => total(memoryMb)],
    ],
    before,
    after,
  ));
  console.log(`\nSteps, in ms since npm start:\n`);
  console.log(compareEach(({ steps }: Start) => steps, before, after));
  console.log(`\nProcessor time of each process until ready, in ms:\n`);
  console.log(compareEach(({ cpuMs }: Start) => cpuMs, before, after));
  console.log(`\nProportional set size of each process when idle, in MB:\n`);
  console.log(compareEach(({ memoryMb }: Start) => memoryMb, before, after));
}
