import { beforeEach, describe, expect, test } from "vitest";
import { attemptsContract } from "./attempts-contract.ts";
import {
  type CartsUnderTest,
  LIMITS,
  MOMENT_MS,
  type StoreCalls,
  storeCalls,
  TTL_MS,
} from "../test/carts-under-test.ts";

const SKU_MAX = 2 ** 32 - 1;
const USER_MAX = 2n ** 63n - 1n;
const RANDOM_STEPS = 3_000;

/** Tests of a cart store. */
export function cartsContract(name: string, open: () => Promise<CartsUnderTest>): void {
  describe(`${name} as Carts`, () => {
    let store: CartsUnderTest;
    beforeEach(async () => {
      store = await open();
    });
    const calls = storeCalls(() => store);
    const { add, deleteItem, clear, list, begin, settle, end } = calls;

    describe("addItem()", () => {
      test("keeps lines ascending by SKU whatever the order of additions", async () => {
        for (const sku of [SKU_MAX, 5, 70_000, 1]) await add(1n, sku, 1);
        const skus = (await list(1n)).map(({ sku }) => sku);
        expect(skus).toEqual([1, 5, 70_000, SKU_MAX]);
      });

      test("adds counts of one SKU, exactly to the limit", async () => {
        const limits = { ...LIMITS, countMax: 5 };
        expect(await add(1n, 10, 2, limits)).toEqual({ kind: "added" });
        expect(await add(1n, 10, 4, limits)).toEqual({ kind: "count_exceeded", inCart: 2 });
        expect(await add(1n, 10, 3, limits)).toEqual({ kind: "added" });
        expect(await list(1n)).toEqual([{ sku: 10, count: 5 }]);
      });

      test("refuses a first count over the limit without creating a cart", async () => {
        const outcome = await add(1n, 10, 1, { ...LIMITS, countMax: 0 });
        expect(outcome).toEqual({ kind: "count_exceeded", inCart: 0 });
        expect(await store.size()).toEqual({ carts: 0, lines: 0 });
      });

      test("rejects one SKU too many and still adds to existing lines", async () => {
        const limits = { ...LIMITS, linesMax: 2 };
        await add(1n, 10, 1, limits);
        await add(1n, 20, 1, limits);
        expect(await add(1n, 30, 1, limits)).toEqual({ kind: "lines_exceeded" });
        expect(await add(1n, 20, 1, limits)).toEqual({ kind: "added" });
        expect(await store.size()).toEqual({ carts: 1, lines: 2 });
      });

      test("is atomic: 50 concurrent additions never exceed the limit", async () => {
        const limits = { ...LIMITS, countMax: 20 };
        await Promise.all(Array.from({ length: 50 }, () => add(1n, 10, 1, limits)));
        expect(await list(1n)).toEqual([{ sku: 10, count: 20 }]);
      });

      test("separates users over the whole range of int64", async () => {
        for (const userId of [1n, 2n ** 53n, 2n ** 53n + 1n, USER_MAX - 1n, USER_MAX]) {
          await add(userId, 10, 1);
        }
        expect(await store.size()).toEqual({ carts: 5, lines: 5 });
        expect(await list(USER_MAX)).toEqual([{ sku: 10, count: 1 }]);
      });
    });

    test("listCart() returns lines that later changes do not affect", async () => {
      await add(1n, 10, 1);
      const lines = await list(1n);
      await add(1n, 10, 1);
      await add(1n, 5, 1);
      await clear(1n);
      expect(lines).toEqual([{ sku: 10, count: 1 }]);
    });

    test("deleteItem() removes a line, and the cart with the last one", async () => {
      await add(1n, 10, 3);
      await add(1n, 20, 1);
      await deleteItem(1n, 15);
      await deleteItem(1n, 10);
      await deleteItem(1n, 10);
      expect(await store.size()).toEqual({ carts: 1, lines: 1 });
      await deleteItem(1n, 20);
      expect(await store.size()).toEqual({ carts: 0, lines: 0 });
    });

    test("clearCart() removes all lines of one user", async () => {
      await add(1n, 10, 3);
      await add(1n, 20, 3);
      await add(2n, 10, 1);
      await clear(1n);
      await clear(3n);
      expect(await store.size()).toEqual({ carts: 1, lines: 1 });
    });

    attemptsContract(() => store);

    describe("CART_TTL", () => {
      test("ends a cart that long after its last change", async () => {
        await add(1n, 10, 1);
        await store.advance(TTL_MS - MOMENT_MS);
        expect(await list(1n)).toHaveLength(1);
        await store.advance(MOMENT_MS);
        expect(await list(1n)).toEqual([]);
        expect(await store.size()).toEqual({ carts: 0, lines: 0 });
      });

      test.each([
        ["addItem()", () => add(1n, 20, 1)],
        ["addItem() to a line", () => add(1n, 10, 1)],
        ["deleteItem()", () => deleteItem(1n, 30)],
        ["settleAttempt()", async () => {
          const attempt = await begin(1n);
          await add(1n, 20, 1);
          await settle(1n, attempt);
        }],
      ])("starts again with %s", async (_, change) => {
        await add(1n, 10, 1);
        await add(1n, 30, 1);
        await add(2n, 10, 1);
        await store.advance(TTL_MS - MOMENT_MS);
        await change();
        await store.advance(TTL_MS - MOMENT_MS);
        expect(await list(1n)).not.toEqual([]);
        expect(await list(2n)).toEqual([]);
        await store.advance(MOMENT_MS);
        expect(await store.size()).toEqual({ carts: 0, lines: 0 });
      });

      test.each([
        ["a list", () => list(1n)],
        ["the delete of a missing line", () => deleteItem(1n, 20)],
        ["a refused addition", () => add(1n, 10, 1, { ...LIMITS, countMax: 1 })],
        ["an attempt that ends", async () => end(1n, await begin(1n))],
      ])("is not delayed by %s", async (_, call) => {
        await add(1n, 10, 1);
        await store.advance(TTL_MS - MOMENT_MS);
        await call();
        await store.advance(MOMENT_MS);
        expect(await list(1n)).toEqual([]);
      });
    });

    test("agrees with a simple model over random operations", async () => {
      const model = new Map<string, number>();
      const next = randomNumbers(20_261_123);
      for (let step = 0; step < RANDOM_STEPS; step++) {
        await randomStep(calls, model, next);
        if (step % 100 === 0) await expectSame(store, calls, model);
      }
      await expectSame(store, calls, model);
    });
  });
}

const MODEL_USERS = 3;
const MODEL_SKUS = 6;

async function randomStep(
  calls: StoreCalls,
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
      await calls.deleteItem(BigInt(user), sku);
      setTo(0);
      break;
    case 1: {
      const attempt = await calls.begin(BigInt(user));
      const added = await calls.add(BigInt(user), sku, count, { ...LIMITS, countMax: 30 });
      if (attempt) await calls.settle(BigInt(user), attempt);
      removeAll(model, user);
      setTo(added.kind === "added" ? count : 0);
      break;
    }
    case 2:
      await calls.clear(BigInt(user));
      removeAll(model, user);
      break;
    default:
      await calls.add(BigInt(user), sku, count, { ...LIMITS, countMax: 30 });
      if (before + count <= 30) setTo(before + count);
  }
}

function removeAll(model: Map<string, number>, user: number): void {
  for (const each of [...model.keys()]) if (each.startsWith(`${user}:`)) model.delete(each);
}

async function expectSame(
  store: CartsUnderTest,
  calls: StoreCalls,
  model: ReadonlyMap<string, number>,
): Promise<void> {
  const seen = new Map<string, number>();
  for (let user = 0; user < MODEL_USERS; user++) {
    const lines = await calls.list(BigInt(user));
    for (const { sku, count } of lines) seen.set(`${user}:${sku}`, count);
  }
  expect([...seen].sort()).toEqual([...model].sort());
  const users = new Set([...model.keys()].map((key) => key.split(":")[0]));
  expect(await store.size()).toEqual({ carts: users.size, lines: model.size });
}

/** Numerical Recipes' linear congruential generator: the same numbers on every machine. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
