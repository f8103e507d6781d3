import { percentile } from "../statistics.ts";
import type { Costs, PartCosts } from "./costs.ts";
import { type Part, Timeline } from "./machine.ts";

/** As in loms/repository/writer.ts. */
const BATCH_MAX = 256;
const WAITING_MAX = 2_000;
/** Queues fill in this time before the measurement. */
const WARM_UP_MS = 1_000;

/** The machines of the simulation. */
export interface Layout {
  /** The number of loms processes. */
  readonly loms: number;
  /** Cores of each machine; with `together` there is one for all parts, the generator included. */
  readonly cores: number;
  readonly together: boolean;
}

/** Orders at a rate, or from callers that each wait for an answer before the next order. */
export type Load =
  | { readonly kind: "open"; readonly perSecond: number }
  | { readonly kind: "closed"; readonly callers: number };

export interface Simulated {
  readonly perSecond: number;
  readonly refusedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Orders in a transaction. */
  readonly batch: number;
  /** Processor time divided by time: 1 is one core. */
  readonly busy: ReadonlyMap<string, number>;
}

interface Service {
  readonly part: Part;
  readonly waiting: (() => void)[];
  isWriting: boolean;
}

/**
 * A queueing simulation of OrderCreate: loms receives the call and groups calls that arrive during
 * a transaction, the primary executes the transaction, the replica applies it, and loms answers.
 * All parts of a machine share its cores.
 */
export function simulateOrders(
  costs: Costs,
  layout: Layout,
  load: Load,
  { durationMs = 5_000, seed = 1 } = {},
): Simulated {
  const system = new System(costs, layout);
  system.apply(load, randomNumbers(seed));
  system.runFor(WARM_UP_MS);
  const before = system.parts.map(({ busyMs }) => busyMs);
  const counts = system.measure(durationMs);
  const { latencies } = counts;
  const busy = system.parts.map(({ name, busyMs }, index) =>
    [name, (busyMs - (before[index] ?? 0)) / durationMs] as const
  );
  return {
    perSecond: latencies.length * 1_000 / durationMs,
    refusedPerSecond: counts.refused * 1_000 / durationMs,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    batch: counts.written / counts.batches,
    busy: new Map(busy),
  };
}

/** What a measurement counts. */
class Counts {
  refused = 0;
  batches = 0;
  /** Orders in those batches. */
  written = 0;
  /** From a call to its answer, in ms. */
  readonly latencies: number[] = [];
}

class System {
  readonly parts: readonly Part[];
  readonly #timeline = new Timeline();
  readonly #costs: Costs;
  readonly #primary: Part;
  /** The backends of the primary that publish events. */
  readonly #events: Part;
  readonly #replica: Part;
  readonly #generator: Part;
  readonly #services: readonly Service[];
  #next = 0;
  #counts = new Counts();

  constructor(costs: Costs, { loms, cores, together }: Layout) {
    this.#costs = costs;
    const shared = this.#timeline.machine(cores);
    const part = (name: string, workers?: number) =>
      (together ? shared : this.#timeline.machine(cores)).part(name, workers);
    // One backend for each loms, which has one transaction in progress.
    const primary = together ? shared : this.#timeline.machine(cores);
    this.#primary = primary.part("primary, orders", loms);
    this.#events = primary.part("primary, events", loms);
    this.#replica = part("replica");
    this.#generator = part("generator");
    this.#services = Array.from({ length: loms }, (_, index) => ({
      part: part(loms === 1 ? "loms" : `loms ${index + 1}`),
      waiting: [],
      isWriting: false,
    }));
    this.parts = [
      ...[this.#primary, this.#events, this.#replica, this.#generator],
      ...this.#services.map((service) => service.part),
    ];
  }

  /** Callers of a closed load take turns on the generator, which is a part of the machine. */
  apply(load: Load, random: () => number): void {
    if (load.kind === "closed") {
      const again = () =>
        this.#generator.work(this.#costs.generator.perOrderMs, () => this.#order(again));
      for (let caller = 0; caller < load.callers; caller++) again();
      return;
    }
    const arrive = () => {
      this.#order(() => {});
      this.#timeline.after(-Math.log(1 - random()) * 1_000 / load.perSecond, arrive);
    };
    arrive();
  }

  runFor(durationMs: number): void {
    this.#timeline.runUntil(this.#timeline.now + durationMs);
  }

  measure(durationMs: number): Counts {
    this.#counts = new Counts();
    this.runFor(durationMs);
    return this.#counts;
  }

  #order(answered: () => void): void {
    const service = this.#services[this.#next++ % this.#services.length] as Service;
    const sentAt = this.#timeline.now;
    const { loms, awaitedShare } = this.#costs;
    const half = awaitedShare * loms.perOrderMs / 2;
    const answer = () => {
      this.#counts.latencies.push(this.#timeline.now - sentAt);
      answered();
    };
    service.part.work(half, () => {
      if (service.waiting.length >= WAITING_MAX) {
        this.#counts.refused++;
        return answered();
      }
      service.waiting.push(() => service.part.work(half, answer));
      this.#write(service);
    });
  }

  #write(service: Service): void {
    if (service.isWriting || service.waiting.length === 0) return;
    service.isWriting = true;
    const batch = service.waiting.splice(0, BATCH_MAX);
    this.#counts.batches++;
    this.#counts.written += batch.length;
    const { loms, primary, replica, commitMs, awaitedShare } = this.#costs;
    const workOf = ({ perBatchMs, perOrderMs }: PartCosts) =>
      awaitedShare * (perBatchMs + batch.length * perOrderMs);
    const onReplica = () => this.#replica.work(workOf(replica), () => this.#end(service, batch));
    service.part.work(
      awaitedShare * loms.perBatchMs,
      () => this.#primary.work(workOf(primary), () => this.#timeline.after(commitMs, onReplica)),
    );
  }

  #end(service: Service, batch: readonly (() => void)[]): void {
    service.isWriting = false;
    for (const answer of batch) answer();
    const { loms, primary, replica, awaitedShare } = this.#costs;
    const restOf = ({ perBatchMs, perOrderMs }: PartCosts) =>
      (1 - awaitedShare) * (perBatchMs + batch.length * perOrderMs);
    service.part.work(restOf(loms));
    this.#events.work(restOf(primary));
    this.#replica.work(restOf(replica));
    this.#write(service);
  }
}

/** Evenly distributed in [0, 1), the same for a seed (Marsaglia's xorshift32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
