import { type Clock, systemClock } from "./clock.ts";

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly askedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface BatcherOptions<Item, Answer> {
  readonly batchMax: number;
  /** Answers each item, in the batch's order. A rejection is the answer to all of them. */
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Is told of each batch as it begins: how long each of its items has waited, in ms. */
  readonly onBatch?: (waitedMs: readonly number[]) => void;
  readonly clock?: Clock;
}

/**
 * Turns calls that come one by one into batches without making a lone one wait: one batch is under
 * way at a time, and what is asked for meanwhile goes, in order, with the next.
 */
export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>;
  readonly #clock: Clock;
  #waiting: Waiting<Item, Answer>[] = [];
  #running = false;

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, askedAt: this.#clock.now(), resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // What is asked for in the same turn goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#answer(this.#waiting.splice(0, this.#options.batchMax));
    }
    this.#running = false;
  }

  async #answer(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    const now = this.#clock.now();
    this.#options.onBatch?.(batch.map(({ askedAt }) => now - askedAt));
    try {
      const answers = await this.#options.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
