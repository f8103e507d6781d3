import { expect, test } from "vitest";
import { type Costs, costsFrom } from "./costs.ts";
import { simulateOrders } from "./orders.ts";

const NONE = { perOrderMs: 0, perBatchMs: 0 };
const COSTS: Costs = {
  loms: { perBatchMs: 0, perOrderMs: 0.1 },
  primary: { perBatchMs: 1, perOrderMs: 0.05 },
  replica: NONE,
  awaitedShare: 1,
  commitMs: 1,
  generator: NONE,
};
const LAYOUT = { loms: 1, cores: 2, together: false };
/** The capacity of one loms: the inverse of its time per order. */
const CAPACITY = 1_000 / COSTS.loms.perOrderMs;

test("a single caller waits for its own work only", () => {
  const { p50Ms, p99Ms, batch, perSecond } = simulateOrders(
    COSTS,
    LAYOUT,
    { kind: "closed", callers: 1 },
  );
  expect(batch).toBe(1);
  expect(p50Ms).toBeCloseTo(2.15, 5);
  expect(p99Ms).toBeCloseTo(2.15, 5);
  expect(perSecond).toBeCloseTo(1_000 / 2.15, -1);
});

test("at half the load, all calls are answered and batches are small", () => {
  const load = { kind: "open", perSecond: CAPACITY / 2 } as const;
  const { perSecond, refusedPerSecond, batch, busy } = simulateOrders(COSTS, LAYOUT, load);
  expect(perSecond / load.perSecond).toBeCloseTo(1, 1);
  expect(refusedPerSecond).toBe(0);
  expect(batch).toBeGreaterThan(5);
  expect(busy.get("loms")).toBeCloseTo(0.5, 1);
});

test("above its capacity one loms is the limit, and a second one doubles the throughput", () => {
  const load = { kind: "closed", callers: 2_000 } as const;
  const one = simulateOrders(COSTS, LAYOUT, load);
  const two = simulateOrders(COSTS, { ...LAYOUT, loms: 2 }, load);
  expect(one.busy.get("loms")).toBeGreaterThan(0.9);
  expect(one.perSecond).toBeGreaterThan(0.9 * CAPACITY);
  expect(one.perSecond).toBeLessThanOrEqual(CAPACITY);
  expect(two.perSecond / one.perSecond).toBeGreaterThan(1.8);
});

test("background work delays answers only if it uses the same processor", () => {
  const load = { kind: "open", perSecond: 100 } as const;
  const behind = simulateOrders({ ...COSTS, awaitedShare: 0.5 }, LAYOUT, load);
  expect(behind.p50Ms).toBeLessThan(0.7 * simulateOrders(COSTS, LAYOUT, load).p50Ms + 0.5);
  expect(behind.busy.get("primary, events")).toBeCloseTo(0.05, 1);
});

test("the same seed gives the same figures", () => {
  const load = { kind: "open", perSecond: 1_000 } as const;
  const run = (seed: number) => simulateOrders(COSTS, LAYOUT, load, { seed }).p99Ms;
  expect(run(1)).toBe(run(1));
  expect(run(2)).not.toBe(run(1));
});

test("costs are derived from measurements", () => {
  const costs: Costs = {
    loms: { perBatchMs: 0.3, perOrderMs: 0.1 },
    primary: { perBatchMs: 0.8, perOrderMs: 0.05 },
    replica: { perBatchMs: 0.2, perOrderMs: 0.02 },
    awaitedShare: 1,
    commitMs: 0.5,
    generator: { perOrderMs: 0.07 },
  };
  const sample = (batch: number) => {
    const of = ({ perBatchMs, perOrderMs }: Costs["loms"]) => perBatchMs / batch + perOrderMs;
    const { loms, primary, replica, generator } = costs;
    const ms = { loms: of(loms), primary: of(primary), replica: of(replica) };
    return { batch, ms: { ...ms, generator: generator.perOrderMs } };
  };
  const { loms, primary, replica, commitMs, generator } = costsFrom(sample(1), sample(200), 1.97);
  for (const [found, given] of [[loms, costs.loms], [primary, costs.primary]] as const) {
    expect(found.perBatchMs).toBeCloseTo(given.perBatchMs, 9);
    expect(found.perOrderMs).toBeCloseTo(given.perOrderMs, 9);
  }
  expect(replica.perOrderMs).toBeCloseTo(0.02, 9);
  expect([commitMs, generator.perOrderMs]).toEqual([expect.closeTo(0.5, 9), 0.07]);
});
