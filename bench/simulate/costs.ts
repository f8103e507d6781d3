/** Processor time of one part, in ms. */
export interface PartCosts {
  readonly perBatchMs: number;
  readonly perOrderMs: number;
}

/** Processor time and waits of OrderCreate with three lines; events included where they arise. */
export interface Costs {
  readonly loms: PartCosts;
  readonly primary: PartCosts;
  readonly replica: PartCosts;
  /** The share of the CPU time that an order waits for; the rest publishes its events. */
  readonly awaitedShare: number;
  /** Waits of a commit: the flush to disk, and the round trip to the replica. */
  readonly commitMs: number;
  readonly generator: { readonly perOrderMs: number };
}

/** A measurement: CPU time per order of each part, at a mean size of batches. */
export interface CostSample {
  readonly batch: number;
  readonly ms: Readonly<Record<"loms" | "primary" | "replica" | "generator", number>>;
}

/**
 * The costs that explain two measurements, of a lone caller and of batches of many orders; `loneMs`
 * is the median latency of the lone caller.
 */
export function costsFrom(lone: CostSample, grouped: CostSample, loneMs: number): Costs {
  const split = (part: "loms" | "primary" | "replica"): PartCosts => {
    const [alone, shared] = [lone.ms[part], grouped.ms[part]];
    const perBatchMs = Math.max(0, (alone - shared) / (1 / lone.batch - 1 / grouped.batch));
    return { perBatchMs, perOrderMs: Math.max(0, alone - perBatchMs / lone.batch) };
  };
  const { loms, primary, replica } = lone.ms;
  const usedMs = loms + primary + replica;
  return {
    ...{ loms: split("loms"), primary: split("primary"), replica: split("replica") },
    awaitedShare: Math.min(1, loneMs / usedMs),
    commitMs: Math.max(0, loneMs - usedMs),
    generator: { perOrderMs: grouped.ms.generator },
  };
}

/** From `npm run bench -- SIMULATION` on 2 cores at 2 GHz; see docs/scale.md. */
export const MEASURED_COSTS: Costs = {
  loms: { perBatchMs: 1.42, perOrderMs: 0.109 },
  primary: { perBatchMs: 2.78, perOrderMs: 0.161 },
  replica: { perBatchMs: 0.21, perOrderMs: 0.027 },
  awaitedShare: 0.73,
  commitMs: 0,
  generator: { perOrderMs: 0.039 },
};
