import { type Clock, type RequestContext, systemClock } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import { BATCH_BUCKETS, DURATION_BUCKETS, histogramFamily, type Metrics } from "./metrics.ts";
import { serveTogether } from "./tracing.ts";

// How the limits of grouped calls relate:
//
//   batchesMax      batches that may run concurrently; further calls wait for one of them to end
//   stalledAfterMs  a batch that takes this long no longer counts in batchesMax. So a batch that
//                   waits for a lock, or for a server that does not answer, delays the others by
//                   this time only. It is far longer than a usual batch takes
//   stalledMax      while more than this many batches are stalled, none starts. So at most
//                   batchesMax + stalledMax are in progress. In loms each occupies a connection of
//                   a pool of 10: the three kinds of writes 3 * (1 + 2), the two kinds of reads
//                   2 * (2 + 2)
//   graceMs         a batch ends this long after the latest deadline of its callers, who have
//                   answers by then. So a batch ends by its own deadline only if none waits for it

/** Retry-After if too many calls wait: batches take milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** The caller that waits for an item's answer. A RequestContext is one. */
export interface BatchCaller {
  /** The time until the deadline, in ms; 0 when it has passed. */
  remainingMs(): number;
  /** Whether the caller is known to have left before its deadline. */
  readonly hasLeft: boolean;
}

export interface BatcherOptions<Item, Answer> {
  /** Items in one batch. */
  readonly batchMax: number;
  /** Calls that may wait for a batch; further ones are refused. */
  readonly waitingMax: number;
  /** Concurrent batches; default 1. */
  readonly batchesMax?: number;
  /** The weight of one batch, and of each item: a batch has at least one item, of any weight. */
  readonly weightMax?: number;
  readonly weightOf?: (item: Item) => number;
  /** A batch that takes longer no longer counts in `batchesMax`; default never. */
  readonly stalledAfterMs?: number;
  /** No batch starts while more than this many are stalled; default 0. */
  readonly stalledMax?: number;
  /** Resolves with the answers in the order of the items. A rejection rejects all of them. */
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /**
   * Whether a batch that failed with this error has done nothing and might succeed without some of
   * its items: then each of its halves is run. Otherwise all its calls fail.
   */
  readonly isDivisible?: (error: unknown) => boolean;
  /** The caller of an item, whose deadline then also holds while the item waits for its batch. */
  readonly callerOf?: (item: Item) => BatchCaller;
  /** Called when a batch starts, with how long each of its items has waited, in ms. */
  readonly onBatch?: (waitedMs: readonly number[]) => void;
  readonly clock?: Clock;
  /** Defers work until the end of the current iteration; by default `setImmediate`. */
  readonly later?: (start: () => void) => void;
}

interface Call<Item, Answer> {
  readonly item: Item;
  readonly submittedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Groups calls into batches without delaying a single one: calls that arrive while `batchesMax`
 * batches are in progress form the next, in their order. No timer delays a batch.
 */
export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>;
  readonly #clock: Clock;
  /**
   * In order of arrival. Not a Set: V8 links each of a Set's tables to the next, so a Set whose
   * entries come and go keeps removed calls alive through collections of young objects.
   */
  #waiting: Call<Item, Answer>[] = [];
  /** On the scale of the clock, in ms: the earliest deadline of the waiting calls. */
  #expiresAt = Infinity;
  #cancelTimer = () => {};
  #running = 0;
  #stalled = 0;
  #isStarting = false;

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Resolves with the answer for the item. Besides what `run` throws: AppError `resource_exhausted`
   * if too many calls wait, `deadline_exceeded` or `unavailable` if its caller stops waiting before
   * the item is in a batch; then it is never sent. Once it is in a batch, only `run` ends it.
   */
  submit(item: Item): Promise<Answer> {
    const { waitingMax } = this.#options;
    if (this.#waiting.length >= waitingMax) {
      const message = `${waitingMax} calls wait already`;
      return Promise.reject(
        new AppError("resource_exhausted", message, { retryAfterMs: RETRY_AFTER_MS }),
      );
    }
    return new Promise((resolve, reject) => {
      const submittedAt = this.#clock.now();
      this.#waiting.push({ item, submittedAt, resolve, reject });
      this.#keepDeadline(item);
      this.#startSoon();
    });
  }

  /** Keeps one timer for all waiting calls. */
  #keepDeadline(item: Item): void {
    const remainingMs = this.#options.callerOf?.(item).remainingMs() ?? Infinity;
    const at = this.#clock.now() + remainingMs;
    if (at >= this.#expiresAt) return;
    this.#cancelTimer();
    this.#expiresAt = at;
    this.#cancelTimer = this.#clock.setTimer(remainingMs, () => {
      this.#expiresAt = Infinity;
      this.#waiting = this.#waiting.filter((call) => this.#isWanted(call));
      for (const call of this.#waiting) this.#keepDeadline(call.item);
    });
  }

  /**
   * Calls of one iteration of the event loop share a batch, for example those that arrived together
   * over the network.
   */
  #startSoon(): void {
    if (this.#isStarting || !this.#hasPlace()) return;
    this.#isStarting = true;
    const { later = setImmediate } = this.#options;
    later(() => {
      this.#isStarting = false;
      while (this.#waiting.length > 0 && this.#hasPlace()) this.#start(this.#take());
      if (this.#waiting.length > 0) return;
      this.#cancelTimer();
      this.#expiresAt = Infinity;
    });
  }

  #hasPlace(): boolean {
    const { batchesMax = 1, stalledMax = 0 } = this.#options;
    return this.#running < batchesMax && this.#stalled <= stalledMax;
  }

  /** Takes the next batch from the callers that still wait. */
  #take(): Call<Item, Answer>[] {
    const { batchMax, weightMax = Infinity, weightOf = () => 0 } = this.#options;
    const batch: Call<Item, Answer>[] = [];
    let weight = 0;
    let taken = 0;
    for (const call of this.#waiting) {
      weight += weightOf(call.item);
      if (batch.length === batchMax || (batch.length > 0 && weight > weightMax)) break;
      taken++;
      if (this.#isWanted(call)) batch.push(call);
      else weight -= weightOf(call.item);
    }
    this.#waiting.splice(0, taken);
    return batch;
  }

  #isWanted({ item, reject }: Call<Item, Answer>): boolean {
    const caller = this.#options.callerOf?.(item);
    if (!caller) return true;
    if (caller.hasLeft) {
      reject(new AppError("unavailable", "the caller disconnected before it was sent"));
    } else if (caller.remainingMs() > 0) return true;
    else reject(new AppError("deadline_exceeded", "the deadline passed before it was sent"));
    return false;
  }

  #start(batch: readonly Call<Item, Answer>[]): void {
    if (batch.length === 0) return;
    const { onBatch, stalledAfterMs, stalledMax = 0 } = this.#options;
    const now = this.#clock.now();
    onBatch?.(batch.map(({ submittedAt }) => now - submittedAt));
    this.#running++;
    let hasStalled = false;
    const stall = () => {
      hasStalled = true;
      this.#running--;
      this.#stalled++;
      this.#startSoon();
    };
    const cancelTimer = stalledAfterMs === undefined || stalledMax === 0
      ? undefined
      : this.#clock.setTimer(stalledAfterMs, stall);
    const end = () => {
      cancelTimer?.();
      if (hasStalled) this.#stalled--;
      else this.#running--;
      this.#startSoon();
    };
    void this.#answer(batch).then(end);
  }

  /** Never rejects. */
  async #answer(batch: readonly Call<Item, Answer>[]): Promise<void> {
    const { run, isDivisible } = this.#options;
    try {
      const answers = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      if (batch.length > 1 && isDivisible?.(error)) return await this.#answerHalves(batch);
      for (const { reject } of batch) reject(error);
    }
  }

  async #answerHalves(batch: readonly Call<Item, Answer>[]): Promise<void> {
    const middle = Math.ceil(batch.length / 2);
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
      const wanted = half.filter((call) => this.#isWanted(call));
      if (wanted.length > 0) await this.#answer(wanted);
    }
  }
}

type Limits<Item, Answer> = Omit<
  BatcherOptions<Item, Answer>,
  "run" | "callerOf" | "weightOf" | "clock" | "later"
>;

export interface GroupedCallsOptions<Item, Answer> extends Limits<Item, Answer> {
  /** How much longer a batch may take than the deadlines of its callers, in ms. */
  readonly graceMs?: number;
  readonly weightOf?: (item: Item) => number;
  /** As {@link BatcherOptions.run}; the context serves all callers of the batch. */
  readonly run: (items: readonly Item[], context: RequestContext) => Promise<readonly Answer[]>;
}

interface GroupedCall<Item> {
  readonly item: Item;
  readonly context: RequestContext;
}

/**
 * A function that answers one call, and groups calls that arrive together into batches, as
 * {@link Batcher} does. A call that waits ends at its caller's deadline.
 */
export function groupedCalls<Item, Answer>(
  options: GroupedCallsOptions<Item, Answer>,
): (item: Item, context: RequestContext) => Promise<Answer> {
  const { run, weightOf = () => 0, graceMs, ...limits } = options;
  const batcher = new Batcher<GroupedCall<Item>, Answer>({
    ...limits,
    weightOf: ({ item }) => weightOf(item),
    callerOf: ({ context }) => context,
    async run(calls) {
      const contexts = calls.map((call) => call.context);
      const context = serveTogether(contexts, graceMs);
      try {
        return await run(calls.map(({ item }) => item), context);
      } finally {
        // A lone call's context may be its caller's.
        if (context !== contexts[0]) context.close();
      }
    },
  });
  return (item, context) => batcher.submit({ item, context });
}

export const BATCHER_BATCH_ITEMS = histogramFamily({
  name: "batcher_batch_items",
  help: "Requests in one batch",
  labels: ["batcher"],
  buckets: BATCH_BUCKETS,
});

export const BATCHER_WAIT_SECONDS = histogramFamily({
  name: "batcher_wait_seconds",
  help: "Time that requests wait for their batch to start",
  labels: ["batcher"],
  buckets: DURATION_BUCKETS,
});

/** Measures the batches of the batcher of that name, for its `onBatch`. */
export function batcherMetrics(
  metrics: Metrics,
  batcher: string,
): (waitedMs: readonly number[]) => void {
  // Bound once: looking the labels up costs more than counting.
  const sizes = metrics.histogram(BATCHER_BATCH_ITEMS).labels(batcher);
  const waits = metrics.histogram(BATCHER_WAIT_SECONDS).labels(batcher);
  return (waitedMs) => {
    sizes.observe(waitedMs.length);
    for (const each of waitedMs) waits.observe(each / 1000);
  };
}
