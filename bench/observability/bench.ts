import { fileURLToPath } from "node:url";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { type Load, type Round, startMeasured } from "./measured-process.ts";
import type { Level } from "./levels.ts";

const SUBJECT = fileURLToPath(new URL("subject.ts", import.meta.url));
const ROUND_MS = 700;
/** Concurrent requests: enough to keep a service busy on a processor of its own. */
const CONCURRENCY = 32;

export interface Address {
  readonly url: string;
  readonly grpc?: string;
}

/** The load on a service. */
export interface Bench {
  readonly part: "cart" | "loms";
  /** The settings of a new process. */
  settings(): Promise<Address & { readonly environment: Readonly<Record<string, string>> }>;
  open(address: Address): Load & { close(): void };
}

export interface Subject {
  readonly level: Level;
  readonly rounds: Round[];
  measure(): Promise<void>;
}

/** One process per level; all are suspended except the one being measured. */
export async function startSubjects(
  bench: Bench,
  levels: readonly Level[],
  runtime: Runtime,
  opened: CloseStack,
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const level of levels) {
    const { environment, ...address } = await bench.settings();
    const measured = await startMeasured({
      name: `${bench.part} with ${level.name}`,
      command: [...commandFor(runtime, SUBJECT, ["-A"]), bench.part],
      environment: { ...environment, ...level.settings },
      readyUrl: `${address.url}/readyz`,
    }, opened);
    const rounds: Round[] = [];
    const measure = async () => {
      const load = bench.open(address);
      try {
        rounds.push(await measured.measure(load, ROUND_MS, CONCURRENCY));
      } finally {
        load.close();
      }
    };
    subjects.push({ level, rounds, measure });
  }
  return subjects;
}
