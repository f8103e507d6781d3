import type { Lab } from "./lab.ts";
import { generate, type Load, type Measured } from "./load/load.ts";
import type { Part } from "./cpu-time.ts";
import { median, percentile } from "./statistics.ts";

/** The share of the capacity at which queues are short and latency is that of the work. */
const OPEN_SHARE = 0.6;
const OPEN_SECONDS = { full: 2, quick: 1 } as const;
const GENERATOR_MAX_CORES = 0.9;
/** By then the engine has compiled the code of a call. */
const WARM_UP_SECONDS = 0.7;

/** One of the alternating variants. */
export interface Variant {
  readonly name: string;
  measure(load: Partial<Load>): Promise<Measured>;
  /** Whether refusals are part of the load. */
  readonly mayFail?: boolean;
  /** Before the first round. */
  warmUp?(): Promise<unknown>;
  /** Whether it is also measured at a steady rate. */
  readonly isOpenToo?: boolean;
}

/** A process that is suspended except while it is measured. */
export interface Suspended {
  resume(): void;
  pause(): void;
}

/** A variant that sends requests to processes. */
export function loadedVariant(
  name: string,
  load: Load,
  parts: readonly Part[],
  running: readonly Suspended[] = [],
): Variant {
  const measure = async (changes: Partial<Load>) => {
    for (const each of running) each.resume();
    try {
      return await generate({ ...load, ...changes }, parts);
    } finally {
      for (const each of running) each.pause();
    }
  };
  return { name, isOpenToo: true, measure, warmUp: () => measure({ seconds: WARM_UP_SECONDS }) };
}

/**
 * Measures the variants alternately, in changing order, so that other load on the machine affects
 * all of them; returns the rounds of each.
 */
export async function alternate(lab: Lab, variants: readonly Variant[]): Promise<Measured[][]> {
  for (const variant of variants) await variant.warmUp?.();
  const measured = variants.map((variant) => ({ variant, rounds: [] as Measured[] }));
  for (let round = 0; round < lab.rounds; round++) {
    for (const each of round % 2 === 0 ? measured : measured.toReversed()) {
      each.rounds.push(await measureRound(lab, each.variant));
    }
  }
  lab.limited = measured.filter(({ rounds }) => isLimited(rounds)).map(({ variant }) =>
    variant.name
  );
  for (const { variant, rounds } of measured) {
    const rate = Math.max(1, Math.floor(OPEN_SHARE * median(perSecond(rounds))));
    const seconds = lab.isQuick ? OPEN_SECONDS.quick : OPEN_SECONDS.full;
    const open = variant.isOpenToo ? await variant.measure({ rate, seconds }) : undefined;
    lab.subject(variant.name, rounds, open);
  }
  return measured.map(({ rounds }) => rounds);
}

async function measureRound(lab: Lab, variant: Variant): Promise<Measured> {
  const result = await variant.measure({});
  lab.say(`${variant.name}: ${describe(result)}`);
  if (Object.keys(result.failed).length > 0 && !variant.mayFail) {
    throw new Error(`Calls of ${variant.name} failed: ${describe(result)}`);
  }
  return result;
}

/** Whether the generator used so much of a core that it may be the limit. */
export function isLimited(rounds: readonly Measured[]): boolean {
  return median(rounds.map(({ generatorCores }) => generatorCores)) > GENERATOR_MAX_CORES;
}

export function perSecond(rounds: readonly Measured[]): number[] {
  return rounds.map((each) => each.perSecond);
}

function describe({ perSecond, p50_ms, p99_ms, failed, first_error }: Measured): string {
  const failures = Object.entries(failed).map(([status, count]) => `, ${count} ${status}`);
  return `${Math.round(perSecond)}/s, p50 ${p50_ms.toFixed(2)} ms, p99 ${p99_ms.toFixed(2)} ms` +
    failures.join("") + (first_error && ` (${first_error})`);
}

/** A measurement without a generator: count, time, and latencies if known. */
export function measuredBy(
  { calls, seconds, latenciesMs = [], cpuUs = {} }: {
    readonly calls: number;
    readonly seconds: number;
    readonly latenciesMs?: readonly number[];
    readonly cpuUs?: Readonly<Record<string, number>>;
  },
): Measured {
  return {
    ...{ all: calls, calls, failed: {}, unsent: 0, windows: [], answers: {}, first_error: "" },
    ...{ seconds, run_seconds: seconds, cpu_seconds: 0, generatorCores: 0, cpuUs },
    p50_ms: percentile(latenciesMs, 0.5),
    p99_ms: percentile(latenciesMs, 0.99),
    perSecond: calls / seconds,
  };
}
