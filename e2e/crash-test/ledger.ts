import type { AcknowledgedOrder, ToldStatus } from "../invariants/acknowledged.ts";

export interface Line {
  readonly sku: number;
  readonly count: number;
}

/** An order as a buyer was told of it. */
export interface Purchase {
  readonly userId: bigint;
  /** Undefined for a cart's checkout, whose key is cart's own. */
  readonly key?: string;
  /** Undefined when it is not certain which adds a cart had taken. */
  readonly items?: readonly Line[];
}

/** Everything that buyers were told, and what of it contradicts what they were told before. */
export class Ledger {
  readonly #orders = new Map<bigint, AcknowledgedOrder>();
  readonly #orderOf = new Map<string, bigint>();
  readonly #waiting = new Set<{ readonly answers: number; readonly resolve: () => void }>();
  /** Sentences: what was told and is gone, what was done twice, what should never be answered. */
  readonly lost: string[] = [];
  readonly doubled: string[] = [];
  readonly strange: string[] = [];
  #acknowledged = 0;
  #cartLife = 1;

  /** How many writes to orders were answered for certain. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get orders(): AcknowledgedOrder[] {
    return [...this.#orders.values()];
  }

  /** Grows between the end of the carts' process and the start of the next one. */
  get cartLife(): number {
    return this.#cartLife;
  }

  cartsDied(): void {
    this.#cartLife++;
  }

  /** A buyer was told that the order was made, perhaps once more. */
  created(purchase: Purchase, orderId: bigint, status: "awaiting payment" | "failed"): void {
    this.#count();
    const { userId, key, items } = purchase;
    this.#noteKey(purchase, orderId, status);
    const known = this.#orders.get(orderId);
    if (known) return this.#compare(known, userId, status);
    this.#orders.set(orderId, {
      ...{ orderId, userId, status },
      ...key !== undefined && { key },
      ...items && { items },
    });
  }

  /** A key has one order, and a cart's user buys once. */
  #noteKey({ userId, key }: Purchase, orderId: bigint, status: ToldStatus): void {
    const name = `user ${userId}, ${key === undefined ? "checkout" : key}`;
    const before = this.#orderOf.get(name) ?? orderId;
    this.#orderOf.set(name, orderId);
    // A checkout that was refused for good has another key the next time.
    if (before === orderId || (key === undefined && status === "failed")) return;
    this.doubled.push(`${name}: was told order ${before} and order ${orderId}`);
  }

  #compare(known: AcknowledgedOrder, userId: bigint, status: ToldStatus): void {
    const { orderId } = known;
    if (known.userId !== userId) {
      this.doubled.push(`order ${orderId} was told to user ${known.userId} and to user ${userId}`);
    }
    if ((known.status === "failed") !== (status === "failed")) {
      this.strange.push(`order ${orderId} was told as ${known.status} and as ${status}`);
    }
  }

  /** A buyer was told that the order is payed or cancelled. */
  changed(orderId: bigint, status: "payed" | "cancelled"): void {
    this.#count();
    const known = this.#orders.get(orderId);
    if (known) this.#orders.set(orderId, { ...known, status });
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
