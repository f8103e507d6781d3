import { type Clock, systemClock } from "./clock.ts";

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly askedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface BatcherOptions<Item, Answer> {
  readonly batchMax: number;
  /** Resolves with the answers in the order of the items. A rejection rejects all of them. */
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Called when a batch starts, with how long each of its items has waited, in ms. */
  readonly onBatch?: (waitedMs: readonly number[]) => void;
  readonly clock?: Clock;
}

/**
 * Groups calls into batches without delaying a single one: one batch runs at a time, and calls that
 * arrive meanwhile form the next, in their order.
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
    // Calls of the same turn of the event loop share a batch.
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
