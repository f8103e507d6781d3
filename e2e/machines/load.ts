import { performance } from "node:perf_hooks";
import { expect } from "vitest";
import { buyWithKeys, insist, inTurn, type Ordered } from "../retrying-buyer.ts";
import type { Shop } from "../shop.ts";
import { eventually } from "../eventually.ts";

/** With more in stock than the test sells. */
const SKU = 139_275_865;
const CALLERS = 6;
const MORE_ORDERS = 60;

/**
 * Buyers that order, pay and read through the transports in rotation, and repeat each write until
 * it is acknowledged. A read must show what was acknowledged before it.
 */
export class Load {
  readonly #buyers: readonly Promise<Ordered[]>[];
  readonly #payedAt = [performance.now()];
  readonly #stale: string[] = [];
  #isOpen = true;

  constructor(transports: readonly Shop[]) {
    const buy = () =>
      buyWithKeys(transports, SKU, () => this.#isOpen, async ({ order }) => {
        await insist((tries) => inTurn(transports, tries).tryPay(order));
        this.#payedAt.push(performance.now());
        await Promise.all(transports.map((shop) => this.#read(shop, order)));
      });
    this.#buyers = Array.from({ length: CALLERS }, buy);
    // A failed test does not wait for them.
    void Promise.allSettled(this.#buyers);
  }

  /** Waits until this many more orders are payed. */
  async continues(withinMs: number): Promise<void> {
    const before = this.#payedAt.length;
    await eventually(() => {
      expect(this.#payedAt.length).toBeGreaterThan(before + MORE_ORDERS);
    }, withinMs);
  }

  /** The longest time without an acknowledgement, in s. */
  get longestPauseS(): number {
    const pauses = this.#payedAt.map((at, index) => at - (this.#payedAt[index - 1] ?? at));
    return Math.max(...pauses) / 1_000;
  }

  /** @returns the payed orders */
  async stop(): Promise<Ordered[]> {
    this.#isOpen = false;
    const payed = (await Promise.all(this.#buyers)).flat();
    expect(this.#stale, "reads show what was acknowledged before").toEqual([]);
    expect(new Set(payed.map(({ order }) => order)).size, "one order a key").toBe(payed.length);
    return payed;
  }

  async #read(shop: Shop, order: number): Promise<void> {
    const { status, body, text } = await shop.tryInfo(order);
    if (status >= 500) return;
    if (body["status"] !== "payed") this.#stale.push(`order ${order}: ${status} ${text}`);
  }
}
