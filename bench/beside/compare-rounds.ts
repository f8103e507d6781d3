import { type Load, type MeasuredProcess, type Round } from "../measured-process.ts";
import { compare } from "../start/tables.ts";

export interface Compared {
  readonly process: MeasuredProcess;
  readonly load: Load;
}

export interface CompareOptions {
  readonly title: string;
  readonly rounds: number;
  readonly callers: number;
  readonly roundMs?: number;
}

/**
 * Measures two processes in alternating rounds and prints a table of their throughput and its
 * ratio; the first round is a warm-up. The generator's CPU shows whether it is the limit.
 */
export async function compareRounds(
  reference: Compared,
  subject: Compared,
  { title, rounds, callers, roundMs = 1_000 }: CompareOptions,
): Promise<void> {
  const measured = new Map<Compared, Round[]>([[reference, []], [subject, []]]);
  for (let round = 0; round <= rounds; round++) {
    for (const each of round % 2 ? [subject, reference] : [reference, subject]) {
      const result = await each.process.measure(each.load, roundMs, callers);
      if (round > 0) measured.get(each)?.push(result);
    }
  }
  console.log(`\n${title}: ${reference.process.name} before, ${subject.process.name} after`);
  console.log(compare(
    [
      ["calls per second of CPU time", ({ perCpuSecond }: Round) => perCpuSecond],
      ["calls per second", ({ perSecond }: Round) => perSecond],
      ["CPU of the load generator, %", ({ generatorCpu }: Round) => generatorCpu * 100],
    ],
    measured.get(reference) ?? [],
    measured.get(subject) ?? [],
  ));
}
