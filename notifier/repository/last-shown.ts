import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import { groupedCalls } from "../../shared/telemetry/batcher.ts";
import type { LastShown, Shown } from "../domain/deps.ts";
import {
  COVERS_BEGINNING,
  DEAD_SEQS,
  FORGET_FINAL,
  LAST_SEQS,
  NOTE_DEAD,
  REMEMBER,
} from "./statements.ts";

/** Events in one statement; one call may have more. */
const EVENTS_MAX = 500;
/** More than any subscription has in progress. */
const WAITING_MAX = 10_000;

/** The observer of each batch, for a batcher with the name of its statement. */
type OnBatch = (batcher: string) => (waitedMs: readonly number[]) => void;

/** The `seq` of the newest event that was shown, by order. */
type LastSeqs = ReadonlyMap<bigint, number>;

/**
 * The record of shown events in PostgreSQL, one row per order. Concurrent calls share a statement
 * and its commit.
 */
export class PostgresLastShown implements LastShown {
  readonly #pool: Pool;
  /**
   * Shown events that the database could not store, at most those in progress when it failed.
   * Without them every redelivery of such an event would show it again.
   */
  readonly #unremembered = new Map<bigint, Shown[]>();
  readonly #read: (orderIds: readonly bigint[], context: RequestContext) => Promise<LastSeqs>;
  readonly #write: (shown: readonly Shown[], context: RequestContext) => Promise<void>;

  constructor(pool: Pool, onBatch: OnBatch = () => () => {}) {
    this.#pool = pool;
    const limits = { batchMax: EVENTS_MAX, weightMax: EVENTS_MAX, waitingMax: WAITING_MAX };
    this.#read = groupedCalls({
      ...limits,
      weightOf: (orderIds) => orderIds.length,
      run: (calls, context) => this.#lastSeqs(calls, context),
      onBatch: onBatch(LAST_SEQS.name),
    });
    this.#write = groupedCalls({
      ...limits,
      weightOf: (shown) => shown.length,
      run: (calls, context) => this.#remember(calls.flat(), context),
      onBatch: onBatch(REMEMBER.name),
    });
  }

  async lastSeqs(orderIds: ReadonlySet<bigint>, context: RequestContext): Promise<LastSeqs> {
    const wanted = [...orderIds];
    const unremembered = wanted.flatMap((orderId) => this.#unremembered.get(orderId) ?? []);
    if (unremembered.length > 0) await this.remember(unremembered, context);
    return await this.#read(wanted, context);
  }

  async remember(shown: readonly Shown[], context: RequestContext): Promise<void> {
    const byOrder = Map.groupBy(shown, ({ orderId }) => orderId);
    for (const [orderId, events] of byOrder) this.#unremembered.set(orderId, events);
    await this.#write(shown, context);
    for (const orderId of byOrder.keys()) this.#unremembered.delete(orderId);
  }

  async coversBeginningOf(orderId: bigint, context: RequestContext): Promise<boolean> {
    const [row] = await this.#pool.run(COVERS_BEGINNING, [orderId], context);
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

  /** Resolves when the database answers, in no batch. */
  async check(context: RequestContext): Promise<void> {
    await this.#pool.run(LAST_SEQS, [[]], context);
  }

  /** Every call gets the whole answer. */
  async #lastSeqs(
    calls: readonly (readonly bigint[])[],
    context: RequestContext,
  ): Promise<LastSeqs[]> {
    const rows = await this.#pool.run(LAST_SEQS, [calls.flat()], context);
    const seqs = new Map(rows.map(({ order_id, seq }) => [order_id, seq]));
    return calls.map(() => seqs);
  }

  async #remember(shown: readonly Shown[], context: RequestContext): Promise<void[]> {
    const orderIds = shown.map(({ orderId }) => orderId);
    const seqs = shown.map(({ seq }) => seq);
    const ended = shown.filter(({ final }) => final).map(({ orderId }) => orderId);
    const begun = shown.filter(({ isPromptFirst }) => isPromptFirst).map(({ orderId }) => orderId);
    await this.#pool.run(REMEMBER, [orderIds, seqs, ended, begun], context);
    return [];
  }
}
