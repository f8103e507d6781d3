import { beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import type { CartLine, Carts } from "../domain/deps.ts";

const LIMITS = { countMax: 65_535, linesMax: 1000 };
const SKU_MAX = 2 ** 32 - 1;
const USER_MAX = 2n ** 63n - 1n;

const TTL_MS = 60_000;

/** The tests of every store of carts. `make` opens an empty one, whose carts last `ttlMs`. */
export function cartsContract(
  name: string,
  make: (options: { ttlMs: number; clock: VirtualClock }) => Promise<Carts>,
): void {
  describe(`${name} as Carts`, () => {
    let carts: Carts;
    let clock: VirtualClock;
    beforeEach(async () => {
      clock = new VirtualClock();
      carts = await make({ ttlMs: TTL_MS, clock });
    });

    const add = (userId: bigint, sku: number, count: number, limits = LIMITS) =>
      carts.addItem(userId, { sku, count }, limits);

    describe("addItem()", () => {
      test("keeps lines ascending by SKU whatever the order of additions", async () => {
        for (const sku of [SKU_MAX, 5, 70_000, 1]) await add(1n, sku, 1);
        const skus = (await carts.listCart(1n)).map(({ sku }) => sku);
        expect(skus).toEqual([1, 5, 70_000, SKU_MAX]);
      });

      test("adds counts of one SKU up, exactly to the limit", async () => {
        const limits = { ...LIMITS, countMax: 5 };
        expect(await add(1n, 10, 2, limits)).toEqual({ kind: "added" });
        expect(await add(1n, 10, 4, limits)).toEqual({ kind: "count_exceeded", inCart: 2 });
        expect(await add(1n, 10, 3, limits)).toEqual({ kind: "added" });
        expect(await carts.listCart(1n)).toEqual([{ sku: 10, count: 5 }]);
      });

      test("refuses a first count over the limit without making a cart", async () => {
        const outcome = await add(1n, 10, 1, { ...LIMITS, countMax: 0 });
        expect(outcome).toEqual({ kind: "count_exceeded", inCart: 0 });
        expect(carts.size()).toEqual({ carts: 0, lines: 0 });
      });

      test("rejects one SKU too many and still adds to existing lines", async () => {
        const limits = { ...LIMITS, linesMax: 2 };
        await add(1n, 10, 1, limits);
        await add(1n, 20, 1, limits);
        expect(await add(1n, 30, 1, limits)).toEqual({ kind: "lines_exceeded" });
        expect(await add(1n, 20, 1, limits)).toEqual({ kind: "added" });
        expect(carts.size()).toEqual({ carts: 1, lines: 2 });
      });

      test("is atomic: 50 at once never exceed the limit", async () => {
        const limits = { ...LIMITS, countMax: 20 };
        await Promise.all(Array.from({ length: 50 }, () => add(1n, 10, 1, limits)));
        expect(await carts.listCart(1n)).toEqual([{ sku: 10, count: 20 }]);
      });

      test("separates users over the whole range of int64", async () => {
        for (const userId of [1n, 2n ** 53n, 2n ** 53n + 1n, USER_MAX - 1n, USER_MAX]) {
          await add(userId, 10, 1);
        }
        expect(carts.size()).toEqual({ carts: 5, lines: 5 });
        expect(await carts.listCart(USER_MAX)).toEqual([{ sku: 10, count: 1 }]);
      });
    });

    test("listCart() returns lines that later changes do not affect", async () => {
      await add(1n, 10, 1);
      const lines = await carts.listCart(1n);
      await add(1n, 10, 1);
      await add(1n, 5, 1);
      await carts.clearCart(1n);
      expect(lines).toEqual([{ sku: 10, count: 1 }]);
    });

    test("deleteItem() removes a line, and the cart with the last one", async () => {
      await add(1n, 10, 3);
      await add(1n, 20, 1);
      await carts.deleteItem(1n, 15);
      await carts.deleteItem(1n, 10);
      await carts.deleteItem(1n, 10);
      expect(carts.size()).toEqual({ carts: 1, lines: 1 });
      await carts.deleteItem(1n, 20);
      expect(carts.size()).toEqual({ carts: 0, lines: 0 });
    });

    test("clearCart() removes all lines of one user", async () => {
      await add(1n, 10, 3);
      await add(1n, 20, 3);
      await add(2n, 10, 1);
      await carts.clearCart(1n);
      await carts.clearCart(3n);
      expect(carts.size()).toEqual({ carts: 1, lines: 1 });
    });

    describe("removeOrdered()", () => {
      const ordered: CartLine[] = [{ sku: 10, count: 2 }, { sku: 20, count: 2 }];

      test("removes what was ordered and leaves the rest", async () => {
        await add(1n, 10, 5);
        await add(1n, 20, 2);
        await add(1n, 30, 1);
        await carts.removeOrdered(1n, ordered);
        expect(await carts.listCart(1n)).toEqual([{ sku: 10, count: 3 }, { sku: 30, count: 1 }]);
        expect(carts.size()).toEqual({ carts: 1, lines: 2 });
      });

      test("removes no more than is there", async () => {
        await add(1n, 10, 1);
        await carts.removeOrdered(1n, ordered);
        await carts.removeOrdered(1n, ordered);
        expect(carts.size()).toEqual({ carts: 0, lines: 0 });
      });
    });

    describe("CART_TTL", () => {
      test("ends a cart that long after its last change", async () => {
        await add(1n, 10, 1);
        await clock.advance(TTL_MS - 1);
        expect(await carts.listCart(1n)).toHaveLength(1);
        await clock.advance(1);
        expect(await carts.listCart(1n)).toEqual([]);
        expect(carts.size()).toEqual({ carts: 0, lines: 0 });
      });

      test.each([
        ["addItem()", () => add(1n, 20, 1)],
        ["addItem() to a line", () => add(1n, 10, 1)],
        ["deleteItem()", () => carts.deleteItem(1n, 30)],
        ["removeOrdered()", () => carts.removeOrdered(1n, [{ sku: 30, count: 1 }])],
      ])("begins again with %s", async (_, change) => {
        await add(1n, 10, 1);
        await add(1n, 30, 1);
        await add(2n, 10, 1);
        await clock.advance(TTL_MS - 1);
        await change();
        await clock.advance(TTL_MS - 1);
        expect(await carts.listCart(1n)).not.toEqual([]);
        expect(await carts.listCart(2n)).toEqual([]);
        await clock.advance(1);
        expect(carts.size()).toEqual({ carts: 0, lines: 0 });
      });

      test.each([
        ["a list", () => carts.listCart(1n)],
        ["the delete of what is not there", () => carts.deleteItem(1n, 20)],
        ["an addition that is refused", () => add(1n, 10, 1, { ...LIMITS, countMax: 1 })],
        ["an order of other SKUs", () => carts.removeOrdered(1n, [{ sku: 20, count: 1 }])],
      ])("is not delayed by %s", async (_, call) => {
        await add(1n, 10, 1);
        await clock.advance(TTL_MS - 1);
        await call();
        await clock.advance(1);
        expect(await carts.listCart(1n)).toEqual([]);
      });
    });

    test("agrees with a plain model over random operations", async () => {
      const model = new Map<string, number>();
      const next = randomNumbers(20_261_123);
      for (let step = 0; step < 3_000; step++) {
        await randomStep(carts, model, next);
        if (step % 100 === 0) await expectSame(carts, model);
      }
      await expectSame(carts, model);
    });
  });
}

const MODEL_USERS = 3;
const MODEL_SKUS = 6;

async function randomStep(
  carts: Carts,
  model: Map<string, number>,
  next: (below: number) => number,
): Promise<void> {
  const user = next(MODEL_USERS);
  const sku = 1 + next(MODEL_SKUS);
  const count = 1 + next(9);
  const key = `${user}:${sku}`;
  const before = model.get(key) ?? 0;
  const setTo = (left: number) => left > 0 ? model.set(key, left) : model.delete(key);
  switch (next(10)) {
    case 0:
      await carts.deleteItem(BigInt(user), sku);
      setTo(0);
      break;
    case 1:
      await carts.removeOrdered(BigInt(user), [{ sku, count }]);
      setTo(before - count);
      break;
    case 2:
      await carts.clearCart(BigInt(user));
      for (const each of [...model.keys()]) if (each.startsWith(`${user}:`)) model.delete(each);
      break;
    default:
      await carts.addItem(BigInt(user), { sku, count }, { countMax: 30, linesMax: 100 });
      if (before + count <= 30) setTo(before + count);
  }
}

async function expectSame(carts: Carts, model: ReadonlyMap<string, number>): Promise<void> {
  const seen = new Map<string, number>();
  for (let user = 0; user < MODEL_USERS; user++) {
    const lines = await carts.listCart(BigInt(user));
    for (const { sku, count } of lines) seen.set(`${user}:${sku}`, count);
  }
  expect([...seen].sort()).toEqual([...model].sort());
  const users = new Set([...model.keys()].map((key) => key.split(":")[0]));
  expect(carts.size()).toEqual({ carts: users.size, lines: model.size });
}

/** Numerical Recipes' linear congruential generator: the same numbers on every machine. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
