import { sleep, systemClock } from "../../shared/async/request-context.ts";
import { checkInvariants } from "../invariants/check.ts";
import { describeFinding } from "../invariants/describe-finding.ts";
import type { Finding } from "../invariants/finding.ts";
import { checkProductCalls, forgetProductCalls } from "../invariants/product-calls.ts";
import { openDatabase } from "../invariants/snapshot.ts";
import { checkBoughtOnce } from "./bought-once.ts";
import { Ledger } from "./ledger.ts";
import { startLoad } from "./load.ts";
import { createOneMachine } from "./one-machine.ts";
import { startPriceChanges } from "./prices.ts";
import { Random } from "./random.ts";
import { createSeveralMachines } from "./several-machines.ts";
import { openStockTransport } from "./stock-transport.ts";
import type { CrashTestSystem } from "./system.ts";
import { openTransports } from "./transports.ts";
import { judge, type Verdict } from "./verdict.ts";
import { type Accident, accidents } from "./victims.ts";

/** Short, so that unpaid orders are cancelled all the time; longer than most accidents. */
const PAYMENT_TIMEOUT_MS = 6_000;
/** By then the killed part is back, and some callers get answers. */
const PROGRESS_MAX_MS = 45_000;
/** Answers after the last accident, so that its effects are seen. */
const LAST_ANSWERS = 40;

export interface CrashTestOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly dataDirectory: string;
  /** The system of several machines, instead of the stack. */
  readonly ha: boolean;
  readonly print: (line: string) => void;
  /** Aborts the run. */
  readonly signal: AbortSignal;
}

/** Buys and delivers, kills and restarts a process in each round, and checks all at the end. */
export async function runCrashTest(options: CrashTestOptions): Promise<Verdict> {
  const { seed, rounds, print } = options;
  const random = new Random(seed);
  const ledger = new Ledger();
  const system = await createSystem(options, ledger);
  const stop = () => void system.close();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    await system.start();
    const { addresses } = system;
    const transports = openTransports(addresses);
    const load = startLoad(
      {
        ...{ transports, ledger, clock: systemClock, paymentTimeoutMs: PAYMENT_TIMEOUT_MS },
        stock: openStockTransport(addresses.lomsAdmin),
      },
      random.fork(0),
    );
    const prices = startPriceChanges(addresses.products, random.fork(2), systemClock);
    const planned = accidents(random.fork(1), system.victims).take(rounds).toArray();
    for (const [index, accident] of planned.entries()) {
      const line = await happen(accident, system, ledger);
      print(`round ${String(index + 1).padStart(String(rounds).length)}: ${line}`);
    }
    await progress(ledger, LAST_ANSWERS, "the last accident");
    await load.stop();
    await prices.stop();
    transports.close();
    const findings = await check(system, ledger);
    for (const finding of findings) print(describeFinding(finding));
    return judge(ledger, findings, planned.length);
  } finally {
    options.signal.removeEventListener("abort", stop);
    await system.close();
  }
}

async function createSystem(
  { ha, dataDirectory }: CrashTestOptions,
  ledger: Ledger,
): Promise<CrashTestSystem> {
  const create = ha ? createSeveralMachines : createOneMachine;
  return await create({
    dataDirectory,
    paymentTimeoutMs: PAYMENT_TIMEOUT_MS,
    onEnd: (ended) => ledger.strange.push(`a part ended unexpectedly: ${ended}`),
  });
}

/** One round; returns what happened. */
async function happen(
  accident: Accident,
  system: CrashTestSystem,
  ledger: Ledger,
): Promise<string> {
  const { victim, afterAnswers, afterMs, awayMs } = accident;
  const before = ledger.acknowledged;
  await progress(ledger, afterAnswers, "the accident before");
  await sleep(systemClock, afterMs);
  const answered = ledger.acknowledged - before;
  // The stand-in counts in memory.
  const { violations } = await checkProductCalls(system.addresses.products);
  ledger.strange.push(...violations);
  const killedAt = performance.now();
  await system.kill(victim);
  const takesCarts = system.takesCarts(victim);
  if (takesCarts) ledger.cartsDied();
  await sleep(systemClock, awayMs);
  if (system.takesLimit(victim)) await forgetProductCalls(system.addresses.products);
  await system.restart(victim);
  if (takesCarts === "until whole") ledger.cartsDied();
  const backMs = performance.now() - killedAt;
  return `${victim} killed after ${answered} answers, ready again after ` +
    `${(backMs / 1_000).toFixed(1)} s; ${ledger.acknowledged} acknowledged`;
}

/** @throws {Error} if buyers get no answers */
async function progress(ledger: Ledger, answers: number, since: string): Promise<void> {
  const late = new AbortController();
  const stuck = sleep(systemClock, PROGRESS_MAX_MS, late.signal).then(() => {
    throw new Error(
      `Fewer than ${answers} answers within ${PROGRESS_MAX_MS / 1_000} s after ${since}`,
    );
  });
  try {
    await Promise.race([ledger.more(answers), stuck]);
  } finally {
    late.abort();
    await stuck.catch(() => {});
  }
}

async function check(system: CrashTestSystem, ledger: Ledger): Promise<Finding[]> {
  const subject = await system.subject();
  const findings = await checkInvariants({
    ...subject,
    acknowledged: ledger.orders,
    acknowledgedChanges: ledger.stockChanges,
  });
  const database = openDatabase(subject.primaryUrl);
  try {
    return [...findings, await checkBoughtOnce(database)];
  } finally {
    await database.end({ timeout: 0 });
  }
}
