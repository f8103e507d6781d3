/*
 * The in-memory carts against a bare Map of Maps without order, limits or counts. Both run the same
 * operations on the same keys, alternating in one process; a figure is the median over the rounds.
 * Memory is the heap after a full collection. Needs --expose-gc (npm run bench:cart). Exits with 1
 * when a line exceeds its goal.
 */
import process from "node:process";
import { MemoryCarts } from "../cart/repository/memory.ts";

const BYTES_PER_LINE_MAX = 260;
const ROUNDS = 7;
const OPERATIONS = 200_000;
const USERS = 20_000;
const SKUS = 40;
const LIMITS = { countMax: 65_535, linesMax: 1000 };

type BareCarts = Map<bigint, Map<number, number>>;

/** One operation of both stores. */
interface Operation {
  readonly name: string;
  ours(carts: MemoryCarts, userId: bigint, sku: number): Promise<unknown>;
  bare(carts: BareCarts, userId: bigint, sku: number): unknown;
}

function ourAdd(carts: MemoryCarts, userId: bigint, sku: number): Promise<unknown> {
  return carts.addItem(userId, { sku, count: 1 }, LIMITS);
}

function bareAdd(carts: BareCarts, userId: bigint, sku: number): void {
  let cart = carts.get(userId);
  if (!cart) carts.set(userId, cart = new Map());
  cart.set(sku, (cart.get(sku) ?? 0) + 1);
}

const OPERATIONS_COMPARED: readonly Operation[] = [
  {
    name: "addItem",
    ours: ourAdd,
    // Returns a promise, as the cart repository does.
    bare: (carts, userId, sku) => Promise.resolve(bareAdd(carts, userId, sku)),
  },
  {
    name: "listCart",
    ours: (carts, userId) => carts.listCart(userId),
    bare: (carts, userId) =>
      Promise.resolve(
        [...carts.get(userId) ?? []]
          .map(([sku, count]) => ({ sku, count }))
          .sort((a, b) => a.sku - b.sku),
      ),
  },
  {
    name: "deleteItem",
    ours: (carts, userId, sku) => carts.deleteItem(userId, sku),
    bare: (carts, userId, sku) => Promise.resolve(carts.get(userId)?.delete(sku)),
  },
];

/** Realistic SKUs and well-spread users; the same for both stores in every round. */
function userOf(step: number): bigint {
  return BigInt(1 + (step * 7919) % USERS);
}

function skuOf(step: number): number {
  return 1_000_000 + (step * 104_729) % SKUS * 2_654_435;
}

async function timeMs(run: (step: number) => unknown): Promise<number> {
  const startedAt = performance.now();
  for (let step = 0; step < OPERATIONS; step++) await run(step);
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

async function compareSpeed(): Promise<void> {
  const times = OPERATIONS_COMPARED.map(() => ({ ours: [] as number[], bare: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    const carts = new MemoryCarts({ newIdempotencyKey: String });
    const bareCarts: BareCarts = new Map();
    for (const [at, { ours, bare }] of OPERATIONS_COMPARED.entries()) {
      const each = times[at] as (typeof times)[number];
      each.bare.push(await timeMs((step) => bare(bareCarts, userOf(step), skuOf(step))));
      each.ours.push(await timeMs((step) => ours(carts, userOf(step), skuOf(step))));
    }
  }
  for (const [at, { name }] of OPERATIONS_COMPARED.entries()) {
    const each = times[at] as (typeof times)[number];
    const ours = median(each.ours);
    const perSecond = Math.round(OPERATIONS / ours * 1000).toLocaleString("en");
    const ratio = (median(each.bare) / ours).toFixed(2);
    console.log(`${name.padEnd(11)} ${perSecond.padStart(11)}/s   ${ratio}x a bare Map`);
  }
}

function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

/** Heap bytes per line of a filled store. */
async function bytesPerLine<Store extends { readonly size: unknown }>(
  make: () => Store,
  add: (store: Store, userId: bigint, sku: number) => unknown,
  { carts, linesPerCart }: { readonly carts: number; readonly linesPerCart: number },
): Promise<number> {
  const before = heapBytes();
  const store = make();
  for (let cart = 0; cart < carts; cart++) {
    for (let line = 0; line < linesPerCart; line++) {
      await add(store, BigInt(cart) + 2n ** 60n, skuOf(line));
    }
  }
  const bytes = heapBytes() - before;
  // This use keeps the store alive during the collection.
  if (store.size === undefined) throw new Error("the store is gone");
  return bytes / (carts * linesPerCart);
}

/** Whether a line meets its goal with this many lines per cart. */
async function compareMemory(linesPerCart: number): Promise<boolean> {
  const size = { carts: Math.round(300_000 / linesPerCart), linesPerCart };
  const ourBytes = await bytesPerLine(
    () => new MemoryCarts({ newIdempotencyKey: String }),
    ourAdd,
    size,
  );
  const bareBytes = await bytesPerLine((): BareCarts => new Map(), bareAdd, size);
  const ratio = (ourBytes / bareBytes).toFixed(2);
  const title = `${linesPerCart} per cart`.padEnd(13);
  console.log(`${title} ${ourBytes.toFixed(0).padStart(5)} bytes per line   ${ratio}x a bare Map`);
  return ourBytes <= BYTES_PER_LINE_MAX;
}

await compareSpeed();
let withinGoal = true;
for (const linesPerCart of [1, 3, 10, 40]) {
  withinGoal = await compareMemory(linesPerCart) && withinGoal;
}
console.log(
  `goal: at most ${BYTES_PER_LINE_MAX} bytes per line: ${withinGoal ? "kept" : "missed"}`,
);
process.exitCode = withinGoal ? 0 : 1;
