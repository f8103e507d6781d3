import type { AcknowledgedChange } from "../invariants/acknowledged-changes.ts";
import type { AcknowledgedOrder, AcknowledgedStatus } from "../invariants/acknowledged.ts";

export interface Line {
  readonly sku: number;
  readonly count: number;
}

/** An order that was acknowledged to a buyer. */
export interface Purchase {
  readonly userId: bigint;
  /** Undefined for a cart's checkout, whose key is cart's own. */
  readonly key?: string;
  /** Undefined if it is uncertain which adds the cart accepted. */
  readonly items?: readonly Line[];
  /** Undefined if the buyer agreed to none. */
  readonly totalPrice?: bigint;
}

/** The acknowledgements to buyers and clerks, and their contradictions. */
export class Ledger {
  readonly #orders = new Map<bigint, AcknowledgedOrder>();
  readonly #orderOf = new Map<string, bigint>();
  readonly #changes = new Map<string, AcknowledgedChange>();
  readonly #waiting = new Set<{ readonly answers: number; readonly resolve: () => void }>();
  /**
   * Sentences: acknowledged writes that are missing, writes done twice, and answers that should
   * never occur.
   */
  readonly lost: string[] = [];
  readonly doubled: string[] = [];
  readonly strange: string[] = [];
  #acknowledged = 0;
  #cartLife = 1;

  /** The number of writes with a definite answer. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get orders(): AcknowledgedOrder[] {
    return [...this.#orders.values()];
  }

  get stockChanges(): AcknowledgedChange[] {
    return [...this.#changes.values()];
  }

  /** Incremented when the carts' process or store has ended, and when it is whole again. */
  get cartLife(): number {
    return this.#cartLife;
  }

  cartsDied(): void {
    this.#cartLife++;
  }

  /** The order was acknowledged to a buyer, perhaps a second time. */
  created(purchase: Purchase, orderId: bigint, status: "awaiting payment" | "failed"): void {
    this.#count();
    const { userId, key, items, totalPrice } = purchase;
    this.#noteKey(purchase, orderId, status);
    const known = this.#orders.get(orderId);
    if (known) return this.#compare(known, userId, status);
    this.#orders.set(orderId, {
      ...{ orderId, userId, status },
      ...key !== undefined && { key },
      ...items && { items },
      ...totalPrice !== undefined && { totalPrice },
    });
  }

  /** A key has one order, and the user of a cart buys once. */
  #noteKey({ userId, key }: Purchase, orderId: bigint, status: AcknowledgedStatus): void {
    const name = `user ${userId}, ${key === undefined ? "checkout" : key}`;
    const before = this.#orderOf.get(name) ?? orderId;
    this.#orderOf.set(name, orderId);
    // After a permanent refusal the next checkout has another key.
    if (before === orderId || (key === undefined && status === "failed")) return;
    this.doubled.push(`${name}: got order ${before} and order ${orderId}`);
  }

  #compare(known: AcknowledgedOrder, userId: bigint, status: AcknowledgedStatus): void {
    const { orderId } = known;
    if (known.userId !== userId) {
      this.doubled.push(
        `order ${orderId} was acknowledged to user ${known.userId} and to user ${userId}`,
      );
    }
    if ((known.status === "failed") !== (status === "failed")) {
      this.strange.push(`order ${orderId} was acknowledged as ${known.status} and as ${status}`);
    }
  }

  /** The payment or cancellation was acknowledged to a buyer. */
  changed(orderId: bigint, status: "payed" | "cancelled"): void {
    this.#count();
    const known = this.#orders.get(orderId);
    if (known) this.#orders.set(orderId, { ...known, status });
  }

  /** The change was acknowledged with these totals, perhaps a second time. */
  stockChanged(reference: string, totals: string): void {
    this.#count();
    const before = this.#changes.get(reference)?.totals ?? totals;
    this.#changes.set(reference, { reference, totals: before });
    if (before === totals) return;
    this.doubled.push(`the change ${reference} was answered ${before} and ${totals}`);
  }

  /** Resolves after this many more answers. */
  more(answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add({ answers: this.#acknowledged + answers, resolve });
    });
  }

  #count(): void {
    this.#acknowledged++;
    for (const waiter of this.#waiting) {
      if (this.#acknowledged < waiter.answers) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }
}
