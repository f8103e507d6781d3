import { Batcher } from "../../shared/async/batcher.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import { serveTogether } from "../../shared/telemetry/serve-together.ts";
import type { LastShown, Shown } from "../domain/deps.ts";
import {
  DEAD_SEQS,
  FORGET_FINAL,
  KNOWS_BEGINNING,
  LAST_SEQS,
  NOTE_DEAD,
  REMEMBER,
} from "./statements.ts";

/** As many as a subscription has under way. */
const BATCH_MAX = 500;

/** For each of its batchers, by the name of its statement: what is told of each batch. */
type OnBatch = (batcher: string) => (waitedMs: readonly number[]) => void;

interface Asked<Item> {
  readonly item: Item;
  readonly context: RequestContext;
}

/**
 * What was shown, in PostgreSQL: one row an order. Calls that come together share a statement, and
 * so a commit.
 */
export class PostgresLastShown implements LastShown {
  readonly #pool: Pool;
  /**
   * Shown, and the database did not take it: at most what was under way when it went. Without this
   * every further try to handle such an event would show it once more.
   */
  readonly #unremembered = new Map<bigint, Shown>();
  readonly #questions: Batcher<Asked<bigint>, number>;
  readonly #writes: Batcher<Asked<Shown>, void>;

  constructor(pool: Pool, onBatch: OnBatch = () => () => {}) {
    this.#pool = pool;
    this.#questions = new Batcher({
      batchMax: BATCH_MAX,
      run: (asked) => this.#lastSeqs(asked),
      onBatch: onBatch(LAST_SEQS.name),
    });
    this.#writes = new Batcher({
      batchMax: BATCH_MAX,
      run: (asked) => this.#remember(asked),
      onBatch: onBatch(REMEMBER.name),
    });
  }

  async lastSeq(orderId: bigint, context: RequestContext): Promise<number> {
    const unremembered = this.#unremembered.get(orderId);
    if (unremembered) await this.remember(unremembered, context);
    return await this.#questions.ask({ item: orderId, context });
  }

  async remember(shown: Shown, context: RequestContext): Promise<void> {
    this.#unremembered.set(shown.orderId, shown);
    await this.#writes.ask({ item: shown, context });
    this.#unremembered.delete(shown.orderId);
  }

  async knowsBeginningOf(orderId: bigint, context: RequestContext): Promise<boolean> {
    const [row] = await this.#pool.run(KNOWS_BEGINNING, [orderId], context);
    return row?.known ?? false;
  }

  async noteDead(orderId: bigint, seq: number, context: RequestContext): Promise<void> {
    await this.#pool.run(NOTE_DEAD, [orderId, seq], context);
  }

  async deadSeqs(orderId: bigint, context: RequestContext): Promise<readonly number[]> {
    const rows = await this.#pool.run(DEAD_SEQS, [orderId], context);
    return rows.map(({ seq }) => seq);
  }

  async forgetFinal(olderThanMs: number, max: number, context: RequestContext): Promise<number> {
    const [row] = await this.#pool.run(FORGET_FINAL, [olderThanMs, max], context);
    return row?.forgotten ?? 0;
  }

  /** Resolves when the database answers, apart from every batch. */
  async check(context: RequestContext): Promise<void> {
    await this.#pool.run(LAST_SEQS, [[]], context);
  }

  async #lastSeqs(asked: readonly Asked<bigint>[]): Promise<number[]> {
    const orderIds = asked.map(({ item }) => item);
    const rows = await this.#pool.run(LAST_SEQS, [orderIds], contextOf(asked));
    const seqs = new Map(rows.map(({ order_id, seq }) => [order_id, seq]));
    return orderIds.map((orderId) => seqs.get(orderId) ?? 0);
  }

  async #remember(asked: readonly Asked<Shown>[]): Promise<void[]> {
    const shown = asked.map(({ item }) => item);
    const orderIds = shown.map(({ orderId }) => orderId);
    const seqs = shown.map(({ seq }) => seq);
    const ended = shown.filter(({ final }) => final).map(({ orderId }) => orderId);
    const begun = shown.filter(({ isPromptFirst }) => isPromptFirst).map(({ orderId }) => orderId);
    await this.#pool.run(REMEMBER, [orderIds, seqs, ended, begun], contextOf(asked));
    return [];
  }
}

function contextOf(asked: readonly Asked<unknown>[]): RequestContext {
  return serveTogether(asked.map(({ context }) => context));
}
