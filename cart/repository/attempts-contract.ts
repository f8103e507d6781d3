import { describe, expect, test } from "vitest";
import type { CheckoutAttempt } from "../domain/deps.ts";
import { type CartsUnderTest, MOMENT_MS, storeCalls, TTL_MS } from "../test/carts-under-test.ts";

/** Tests of the attempts of a cart store; `store` is empty in each test. */
export function attemptsContract(store: () => CartsUnderTest): void {
  const { add, deleteItem, clear, list, readToOrder, readCart, begin, settle, end } = storeCalls(
    store,
  );

  describe("an attempt", () => {
    test("begins with the cart that was read, unless it has changed", async () => {
      await add(1n, 10, 2);
      const revision = await readCart(1n);
      for (const change of [() => add(1n, 10, 1), () => add(1n, 20, 1), () => clear(1n)]) {
        await change();
        expect(await begin(1n, revision)).toBeUndefined();
      }
      expect((await readToOrder(1n)).attempt).toBeUndefined();
    });

    test("is found with its key and snapshot, whatever happens to the cart", async () => {
      await add(1n, 10, 2);
      const revision = await readCart(1n);
      const items = [{ sku: 10, count: 2, price: 4_294_967_295 }];
      const begun = await begin(1n, revision, items);
      expect(begun).toMatchObject({ items, isResumed: false });
      const { idempotencyKey } = begun as CheckoutAttempt;
      expect(idempotencyKey).toMatch(/^[!-~]{1,255}$/);
      await clear(1n);
      const { attempt } = await readToOrder(1n);
      expect(attempt).toMatchObject({ idempotencyKey, items, isResumed: true });
    });

    test("is shared by all that read the cart before it began", async () => {
      await add(1n, 10, 2);
      const reads = await Promise.all([1, 2, 3].map(() => readCart(1n)));
      const begun = await Promise.all(reads.map((revision) => begin(1n, revision)));
      expect(new Set(begun.map((attempt) => attempt?.idempotencyKey)).size).toBe(1);
      expect(begun.map((attempt) => attempt?.isResumed)).toEqual([false, true, true]);
    });

    test("removes the ordered units from the cart, once, and leaves the rest", async () => {
      await add(1n, 10, 2);
      await add(1n, 20, 2);
      const attempt = await begin(1n);
      await add(1n, 10, 3);
      await add(1n, 30, 1);
      await settle(1n, attempt);
      const left = [{ sku: 10, count: 3 }, { sku: 30, count: 1 }];
      expect(await list(1n)).toEqual(left);
      await settle(1n, attempt);
      expect(await list(1n)).toEqual(left);
      expect(await store().size()).toEqual({ carts: 1, lines: 2 });
      expect((await readToOrder(1n)).attempt).toBeUndefined();
    });

    test("removes no units that were deleted and added again", async () => {
      for (const empty of [() => deleteItem(1n, 10), () => clear(1n)]) {
        await clear(1n);
        await add(1n, 10, 2);
        const attempt = await begin(1n);
        await empty();
        await add(1n, 10, 1);
        await settle(1n, attempt);
        expect(await list(1n)).toEqual([{ sku: 10, count: 1 }]);
      }
    });

    test("that is kept after it was settled removes nothing more", async () => {
      await add(1n, 10, 2);
      const attempt = await begin(1n);
      await settle(1n, attempt, true);
      expect(await store().size()).toEqual({ carts: 0, lines: 0 });
      await add(1n, 10, 5);
      const { attempt: kept } = await readToOrder(1n);
      expect(kept).toMatchObject({ ...attempt, isResumed: true });
      await settle(1n, kept);
      expect(await list(1n)).toEqual([{ sku: 10, count: 5 }]);
      expect((await readToOrder(1n)).attempt).toBeUndefined();
    });

    test("that ends leaves the cart unchanged, and the next one has another key", async () => {
      await add(1n, 10, 2);
      const first = await begin(1n);
      await end(1n, first);
      expect(await list(1n)).toEqual([{ sku: 10, count: 2 }]);
      const second = await begin(1n);
      expect(second?.idempotencyKey).not.toBe(first?.idempotencyKey);
      await end(1n, first);
      await settle(1n, first);
      const { attempt } = await readToOrder(1n);
      expect(attempt?.idempotencyKey).toBe(second?.idempotencyKey);
      expect(await list(1n)).toEqual([{ sku: 10, count: 2 }]);
    });

    test("that was resumed is not ended unless its outcome is known", async () => {
      await add(1n, 10, 2);
      const attempt = await begin(1n);
      await end(1n, attempt, true);
      const again = await begin(1n);
      expect(again?.isResumed).toBe(false);
      await readToOrder(1n);
      await end(1n, again, true);
      expect((await readToOrder(1n)).attempt?.idempotencyKey).toBe(again?.idempotencyKey);
    });

    test("ends CART_TTL after its last use", async () => {
      await add(1n, 10, 2);
      await begin(1n);
      await store().advance(TTL_MS - MOMENT_MS);
      expect((await readToOrder(1n)).attempt).toBeDefined();
      await store().advance(TTL_MS - MOMENT_MS);
      expect((await readToOrder(1n)).attempt).toBeDefined();
      await store().advance(TTL_MS);
      expect((await readToOrder(1n)).attempt).toBeUndefined();
    });
  });
}
