import process from "node:process";
import { median, percentile, ratios, spreadOf } from "../statistics.ts";

const ROUND_MS = 1_500;
const WARM_UP_MS = 300;

/** A variant of the same work. */
export interface Variant {
  readonly name: string;
  call(): Promise<unknown>;
}

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export interface AlternateOptions {
  readonly name: string;
  readonly rounds: number;
  readonly callers: number;
  /** The variants; the first is the reference. */
  readonly variants: readonly Variant[];
  /** Called before each round of each variant. */
  readonly prepare?: () => Promise<void>;
}

/**
 * Measures the variants in turn and prints the median of each, in calls per second and ms, and its
 * ratio to the reference of the same round: min–median–max.
 */
export async function alternate(options: AlternateOptions): Promise<void> {
  const { name, rounds, callers, variants, prepare } = options;
  if (callers === 1) return await alternateCalls(options);
  const measured = variants.map((variant) => ({ variant, figures: [] as Figures[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { variant, figures } of measured) {
      await prepare?.();
      figures.push(await measure(callers, variant));
    }
  }
  const reference = measured[0]?.figures ?? [];
  for (const { variant, figures } of measured) {
    const times = ratios(ratesOf(figures), ratesOf(reference));
    const of = (key: keyof Figures) => median(figures.map((each) => each[key]));
    process.stdout.write(
      `${name}, ${callers} callers, ${variant.name}: ${Math.round(of("perSecond"))}/s, ` +
        `p50 ${of("p50").toFixed(1)} ms, p99 ${of("p99").toFixed(1)} ms, ` +
        `${shown(times)}x\n`,
    );
  }
}

/**
 * The variants of a single caller alternate call by call, so that noise affects all of them. Prints
 * the median of each in µs, and its ratio to the reference: min–median–max of the rounds.
 */
async function alternateCalls(
  { name, rounds, variants, prepare }: AlternateOptions,
): Promise<void> {
  const medians: number[][] = variants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    await prepare?.();
    const taken: number[][] = variants.map(() => []);
    for (const end = performance.now() + ROUND_MS; performance.now() < end;) {
      for (const [index, variant] of variants.entries()) {
        const startedAt = performance.now();
        await variant.call();
        taken[index]?.push(performance.now() - startedAt);
      }
    }
    taken.forEach((times, index) => medians[index]?.push(median(times) * 1_000));
  }
  for (const [index, variant] of variants.entries()) {
    const own = medians[index] ?? [];
    process.stdout.write(
      `${name}, a lone caller, ${variant.name}: p50 ${median(own).toFixed(0)} µs, ` +
        `${shown(ratios(own, medians[0] ?? []))}x\n`,
    );
  }
}

function ratesOf(figures: readonly Figures[]): number[] {
  return figures.map(({ perSecond }) => perSecond);
}

/** min–median–max */
function shown(values: readonly number[]): string {
  const { min, median: middle, max } = spreadOf(values);
  return [min, middle, max].map((value) => value.toFixed(2)).join("–");
}

async function measure(callers: number, variant: Variant): Promise<Figures> {
  const latencies: number[] = [];
  const until = async (end: number, record: boolean) => {
    while (performance.now() < end) {
      const startedAt = performance.now();
      await variant.call();
      if (record) latencies.push(performance.now() - startedAt);
    }
  };
  const all = (ms: number, record: boolean) => {
    const end = performance.now() + ms;
    return Promise.all(Array.from({ length: callers }, () => until(end, record)));
  };
  await all(WARM_UP_MS, false);
  const startedAt = performance.now();
  await all(ROUND_MS, true);
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    perSecond: latencies.length / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}
