// Prints the heap bytes of a cart line in memory after a full collection, for carts of 1, 3, 10 and
// 40 lines. Needs --expose-gc. Usage: cart-memory.ts LINES
import process from "node:process";
import { MemoryCarts } from "../cart/repository/memory.ts";

const LINES_PER_CART = [1, 3, 10, 40];
const LIMITS = { countMax: 65_535, linesMax: 1_000 };
const FIRST_USER = 2n ** 60n;

function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

/** Well-spread SKUs. */
function skuOf(line: number): number {
  return 1_000_000 + (line * 104_729) % 40 * 2_654_435;
}

async function bytesPerLine(carts: number, linesPerCart: number): Promise<number> {
  const before = heapBytes();
  const store = new MemoryCarts({ newIdempotencyKey: String });
  for (let cart = 0; cart < carts; cart++) {
    for (let line = 0; line < linesPerCart; line++) {
      await store.addItem(FIRST_USER + BigInt(cart), { sku: skuOf(line), count: 1 }, LIMITS);
    }
  }
  const bytes = heapBytes() - before;
  // This use keeps the store reachable during the collection.
  if (store.size === undefined) throw new Error("the store is gone");
  return bytes / (carts * linesPerCart);
}

const lines = Number(process.argv[2]);
const figures: { linesPerCart: number; bytes: number }[] = [];
for (const linesPerCart of LINES_PER_CART) {
  const bytes = await bytesPerLine(Math.round(lines / linesPerCart), linesPerCart);
  figures.push({ linesPerCart, bytes });
}
process.stdout.write(JSON.stringify(figures));
