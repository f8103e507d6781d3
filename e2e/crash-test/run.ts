import { join } from "node:path";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { freePorts } from "../../stack/ports.ts";
import { checkInvariants } from "../invariants/check.ts";
import type { Finding } from "../invariants/finding.ts";
import { openDatabase } from "../invariants/snapshot.ts";
import { checkProductCalls, forgetProductCalls } from "../invariants/product-calls.ts";
import { tellFinding } from "../invariants/tell.ts";
import { checkBoughtOnce } from "./bought-once.ts";
import { startPriceChanges } from "./prices.ts";
import { openTransports } from "./transports.ts";
import { Launcher } from "./launcher.ts";
import { Ledger } from "./ledger.ts";
import { startLoad } from "./load.ts";
import { Random } from "./random.ts";
import { openStockTransport } from "./stock-transport.ts";
import { type Accident, accidents, takesCarts } from "./victims.ts";
import { judge, type Verdict } from "./verdict.ts";

/** Short, so that orders are left unpaid and cancelled all the time; longer than most accidents. */
const PAYMENT_TIMEOUT_MS = 6_000;
/** Whatever was killed is back by then, and somebody is answered. */
const PROGRESS_MAX_MS = 45_000;
/** Answers after the last accident, so that its traces are seen. */
const LAST_ANSWERS = 40;

export interface CrashTestOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly dataDirectory: string;
  readonly print: (line: string) => void;
  /** Stops the stack where it is. */
  readonly signal: AbortSignal;
}

/** Buys and delivers, kills a process each round and brings it back, and checks all at the end. */
export async function runCrashTest(options: CrashTestOptions): Promise<Verdict> {
  const { seed, rounds, print } = options;
  const random = new Random(seed);
  const ledger = new Ledger();
  const launcher = await createLauncher(options.dataDirectory, ledger);
  const stop = () => void launcher.close();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    await launcher.start();
    const { urls } = launcher.facts;
    const transports = openTransports({
      cart: urls.cart,
      loms: urls.loms ?? "",
      lomsGrpc: urls.lomsGrpc,
    });
    const load = startLoad(
      {
        ...{ transports, ledger, clock: systemClock, paymentTimeoutMs: PAYMENT_TIMEOUT_MS },
        stock: openStockTransport(urls.lomsAdmin ?? ""),
      },
      random.fork(0),
    );
    const prices = startPriceChanges(urls.products, random.fork(2), systemClock);
    const planned = accidents(random.fork(1)).take(rounds).toArray();
    for (const [index, accident] of planned.entries()) {
      const line = await happen(accident, launcher, ledger);
      print(`round ${String(index + 1).padStart(String(rounds).length)}: ${line}`);
    }
    await progress(ledger, LAST_ANSWERS, "the last accident");
    await load.stop();
    await prices.stop();
    transports.close();
    const findings = await look(launcher, ledger);
    for (const finding of findings) print(tellFinding(finding));
    return judge(ledger, findings, planned.length);
  } finally {
    options.signal.removeEventListener("abort", stop);
    await launcher.close();
  }
}

/** The services keep their addresses through every start, so that buyers find them again. */
async function createLauncher(dataDirectory: string, ledger: Ledger): Promise<Launcher> {
  const listeners = [
    ...["CART_HTTP", "LOMS_HTTP", "LOMS_GRPC", "LOMS_ADMIN"],
    ...["NOTIFIER_HTTP", "PRODUCTS_HTTP"],
  ];
  const ports = await freePorts(listeners.length);
  return new Launcher({
    dataDirectory,
    environment: {
      ...Object.fromEntries(listeners.map((name, index) => [name, `127.0.0.1:${ports[index]}`])),
      ORDER_PAYMENT_TIMEOUT: `${PAYMENT_TIMEOUT_MS}ms`,
    },
    onEnd: (ended) => ledger.strange.push(`a part has ended by itself: ${ended}`),
  });
}

/** One round; returns what happened. */
async function happen(accident: Accident, launcher: Launcher, ledger: Ledger): Promise<string> {
  const { victim, afterAnswers, afterMs, awayMs } = accident;
  const before = ledger.acknowledged;
  await progress(ledger, afterAnswers, "the accident before");
  await sleep(systemClock, afterMs);
  const answered = ledger.acknowledged - before;
  // The stand-in counts in memory.
  const { violations } = await checkProductCalls(launcher.facts.urls.products);
  ledger.strange.push(...violations);
  const killedAt = performance.now();
  await (victim === "launcher" ? launcher.killLauncher() : launcher.kill(victim));
  if (takesCarts(victim)) ledger.cartsDied();
  await sleep(systemClock, awayMs);
  // The next process of cart has a limit of its own.
  if (victim === "cart") await forgetProductCalls(launcher.facts.urls.products);
  await (victim === "launcher" ? launcher.start() : launcher.restart(victim));
  const backMs = performance.now() - killedAt;
  return `${victim} killed after ${answered} answers, ready again after ` +
    `${(backMs / 1_000).toFixed(1)} s; ${ledger.acknowledged} acknowledged`;
}

/** @throws {Error} when buyers get no answers any more */
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

async function look({ facts }: Launcher, ledger: Ledger): Promise<Finding[]> {
  const { databases, logDirectory, urls } = facts;
  const findings = await checkInvariants({
    primaryUrl: databases.loms,
    replicaUrls: databases.lomsReplicas,
    acknowledged: ledger.orders,
    acknowledgedChanges: ledger.stockChanges,
    notifierLogs: [join(logDirectory, "notifier.log")],
    productsUrl: urls.products,
  });
  const database = openDatabase(databases.loms);
  try {
    return [...findings, await checkBoughtOnce(database)];
  } finally {
    await database.end({ timeout: 0 });
  }
}
